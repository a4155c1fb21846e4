"""Things to touch: a file a widget. Each is a panel of controls over one pure function, `draw`."""
