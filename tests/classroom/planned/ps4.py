"""Planned wrong answers to problem set 4: what each loses, and the words that its feedback shows."""

WRONG = [
    # 1 · parse_name
    dict(
        name="numbers left as text",
        exercise="parse_name",
        answer="""
def parse_name(path):
    match = re.search(r"v_([^/]+)_g(\\d+)_c(\\d+)\\.\\w+$", path)
    if match is None:
        raise ValueError(f"{path}: not a UCF101 name")
    return match.groups()
""",
        lost={"test_parse_name": 2},
        feedback="group and clip are whole numbers",
    ),
    dict(
        name="class taken from the folder, which a bare name does not have",
        exercise="parse_name",
        answer="""
def parse_name(path):
    folder, _, name = path.rpartition("/")
    match = re.search(r"v_(\\w+)_g(\\d+)_c(\\d+)\\.\\w+$", name)
    if match is None:
        raise ValueError(f"{path}: not a UCF101 name")
    return folder.split("/")[-1] or match[1], int(match[2]), int(match[3])
""",
        lost={"test_parse_name": 2},
        feedback="take the class from the file's name, not from the folder",
    ),
    dict(
        name="positions counted from the end, other names not refused",
        exercise="parse_name",
        answer="""
def parse_name(path):
    name = path.split("/")[-1]
    return name[2:-12], int(name[-10:-8]), int(name[-6:-4])
""",
        lost={"test_parse_name": 2},
        feedback="count from the ends only if every name has the same length",
    ),
    dict(
        name="typed in for the examples",
        exercise="parse_name",
        answer="""
def parse_name(path):
    known = {
        "v_Archery_g07_c02.avi": ("Archery", 7, 2),
        "videos/YoYo/v_YoYo_g25_c05.avi": ("YoYo", 25, 5),
    }
    if path not in known:
        raise ValueError(path)
    return known[path]
""",
        lost={"test_parse_name": 2},
        feedback="your code stopped",
    ),
    # 2 · group_split
    dict(
        name="leaky split: clips are shuffled",
        exercise="group_split",
        answer="""
def group_split(names, fraction, seed):
    order = np.random.default_rng(seed).permutation(names).tolist()
    number = round(fraction * len(names))
    return order[number:], order[:number]
""",
        lost={"test_group_split": 3},
        feedback="the split leaks: draw groups, not clips",
    ),
    dict(
        name="the seed is forgotten",
        exercise="group_split",
        answer="""
def group_split(names, fraction, seed):
    groups = {}
    for name in names:
        groups.setdefault(group_of(name).split("/")[0], set()).add(group_of(name))
    rng, drawn = np.random.default_rng(), set()
    for own in groups.values():
        number = min(max(round(fraction * len(own)), 1), len(own) - 1)
        drawn.update(rng.permutation(sorted(own))[:number].tolist())
    train = [name for name in names if group_of(name) not in drawn]
    return train, [name for name in names if group_of(name) in drawn]
""",
        lost={"test_group_split_2": 1},
        feedback="make the generator inside the function",
    ),
    dict(
        name="always the first groups",
        exercise="group_split",
        answer="""
def group_split(names, fraction, seed):
    groups = {}
    for name in names:
        groups.setdefault(group_of(name).split("/")[0], set()).add(group_of(name))
    drawn = set()
    for own in groups.values():
        number = min(max(round(fraction * len(own)), 1), len(own) - 1)
        drawn.update(sorted(own)[:number])
    train = [name for name in names if group_of(name) not in drawn]
    return train, [name for name in names if group_of(name) in drawn]
""",
        lost={"test_group_split_2": 1},
        feedback="another seed gives another split: it is not so yet",
    ),
    dict(
        name="groups drawn over all classes together, so that a class can be left without a test",
        exercise="group_split",
        answer="""
def group_split(names, fraction, seed):
    groups = sorted({group_of(name) for name in names})
    number = min(max(round(fraction * len(groups)), 1), len(groups) - 1)
    drawn = set(np.random.default_rng(seed).permutation(groups)[:number].tolist())
    train = [name for name in names if group_of(name) not in drawn]
    return train, [name for name in names if group_of(name) in drawn]
""",
        lost={"test_group_split": 3},
        feedback="groups of each class in the test: expected",
    ),
    # 3 · leak
    dict(
        name="files compared instead of groups",
        exercise="leak",
        answer="""
def leak(train, test):
    shared = set(train) & set(test)
    return {group_of(name) for name in shared}, len(shared) / len(test)
""",
        lost={"test_leak": 3},
        feedback="the files differ and the group does not",
    ),
    dict(
        name="group numbers compared without the class",
        exercise="leak",
        answer="""
def leak(train, test):
    number = lambda name: group_of(name).split("/")[1]
    shared = {number(name) for name in train} & {number(name) for name in test}
    spoilt = [name for name in test if number(name) in shared]
    return {group_of(name) for name in spoilt}, len(spoilt) / len(test)
""",
        lost={"test_leak": 3},
        feedback="group 1 of YoYo and group 1 of Archery are different groups",
    ),
    dict(
        name="share of groups instead of clips",
        exercise="leak",
        answer="""
def leak(train, test):
    groups = {group_of(name) for name in test}
    shared = {group_of(name) for name in train} & groups
    return shared, len(shared) / len(groups)
""",
        lost={"test_leak": 3},
        feedback="count test clips",
    ),
    dict(
        name="upper and lower case matter",
        exercise="leak",
        answer="""
def leak(train, test):
    group = lambda name: name.split("/")[-1].rsplit("_", 1)[0]
    shared = {group(name) for name in train} & {group(name) for name in test}
    spoilt = [name for name in test if group(name) in shared]
    return {group_of(name) for name in spoilt}, len(spoilt) / len(test)
""",
        lost={"test_leak": 3},
        feedback="upper and lower case must not matter",
    ),
    # 4 · clip_starts
    dict(
        name="off by one: the last frame is never shown",
        exercise="clip_starts",
        answer="""
def clip_starts(length, frames, stride, clips):
    last = max(0, length - ((frames - 1) * stride + 1) - 1)
    if clips == 1:
        return [last // 2]
    return [round(start) for start in np.linspace(0, last, clips)]
""",
        lost={"test_clip_starts": 3},
        feedback="a clip that begins at frame 4 takes frames 4 to 11",
    ),
    dict(
        name="a clip takes frames times stride",
        exercise="clip_starts",
        answer="""
def clip_starts(length, frames, stride, clips):
    last = max(0, length - frames * stride)
    if clips == 1:
        return [last // 2]
    return [round(start) for start in np.linspace(0, last, clips)]
""",
        lost={"test_clip_starts": 3},
        feedback="4 frames with stride 3 span 10 frames, not 12",
    ),
    dict(
        name="short videos begin before they begin",
        exercise="clip_starts",
        answer="""
def clip_starts(length, frames, stride, clips):
    last = length - ((frames - 1) * stride + 1)
    if clips == 1:
        return [last // 2]
    return [round(start) for start in np.linspace(0, last, clips)]
""",
        lost={"test_clip_starts": 3},
        feedback="no frame has a negative number",
    ),
    dict(
        name="whole-number steps: the last clip ends too early",
        exercise="clip_starts",
        answer="""
def clip_starts(length, frames, stride, clips):
    last = max(0, length - ((frames - 1) * stride + 1))
    if clips == 1:
        return [last // 2]
    return [last // (clips - 1) * i for i in range(clips)]
""",
        lost={"test_clip_starts": 3},
        feedback="the last start is length - ((frames - 1) * stride + 1)",
    ),
    dict(
        name="an endless loop",
        exercise="clip_starts",
        answer="""
def clip_starts(length, frames, stride, clips):
    starts, last = [], length - ((frames - 1) * stride + 1)
    while len(starts) < clips:
        if last >= 0:
            starts.append(round(last * len(starts) / max(1, clips - 1)))
    return starts
""",
        lost={"test_clip_starts": 3},
        feedback="Is there an endless loop?",
        alone=True,
    ),
    # 5 · accuracies
    dict(
        name="argmax before averaging: the clips vote",
        exercise="accuracies",
        answer="""
def clip_accuracy(logits, labels):
    return (logits.argmax(2) == labels[:, None]).float().mean().item()


def video_accuracy(logits, labels):
    return (logits.argmax(2).mode(1).values == labels).float().mean().item()
""",
        lost={"test_video_accuracy": 3},
        feedback="a vote forgets how sure a clip was",
    ),
    dict(
        name="logits averaged without the softmax",
        exercise="accuracies",
        answer="""
def clip_accuracy(logits, labels):
    return (logits.argmax(2) == labels[:, None]).float().mean().item()


def video_accuracy(logits, labels):
    return (logits.mean(1).argmax(1) == labels).float().mean().item()
""",
        lost={"test_video_accuracy": 3},
        feedback="videos where the average of the logits goes wrong: expected 1",
    ),
    dict(
        name="softmax over the clips, and clips counted as videos",
        exercise="accuracies",
        answer="""
def clip_accuracy(logits, labels):
    return (logits.mean(1).argmax(1) == labels).float().mean().item()


def video_accuracy(logits, labels):
    return (logits.softmax(1).mean(1).argmax(1) == labels).float().mean().item()
""",
        lost={"test_clip_accuracy": 1, "test_video_accuracy": 3},
        feedback="four clips, each an answer of its own",
    ),
    dict(
        name="typed in for the examples",
        exercise="accuracies",
        answer="""
def clip_accuracy(logits, labels):
    return 0.75


def video_accuracy(logits, labels):
    return 1.0 - labels[0].item()
""",
        lost={"test_clip_accuracy": 1, "test_video_accuracy": 3},
        feedback="the label of a video is the label of each of its clips",
    ),
    # 6 · confusion_and_chance
    dict(
        name="rows and columns exchanged",
        exercise="confusion_and_chance",
        answer="""
def confusion(predicted, labels, classes):
    table = torch.zeros(classes, classes, dtype=torch.long)
    for true, said in zip(labels.tolist(), predicted.tolist()):
        table[said, true] += 1
    return table


def chance(labels, classes):
    return 1 / classes, torch.bincount(labels).max().item() / len(labels)
""",
        lost={"test_confusion": 2},
        feedback="row = what is true, column = what was said",
    ),
    dict(
        name="only the classes that occur",
        exercise="confusion_and_chance",
        answer="""
def confusion(predicted, labels, classes):
    seen = sorted(set(labels.tolist()) | set(predicted.tolist()))
    table = torch.zeros(len(seen), len(seen), dtype=torch.long)
    for true, said in zip(labels.tolist(), predicted.tolist()):
        table[seen.index(true), seen.index(said)] += 1
    return table


def chance(labels, classes):
    counts = torch.bincount(labels)
    return 1 / (counts > 0).sum().item(), counts.max().item() / len(labels)
""",
        lost={"test_confusion": 2, "test_chance": 2},
        feedback="every class has a row and a column, whether it occurs or not",
    ),
    dict(
        name="one half, as if there were always two classes",
        exercise="confusion_and_chance",
        answer="""
def confusion(predicted, labels, classes):
    table = torch.zeros(classes, classes, dtype=torch.long)
    table.index_put_((labels, predicted), torch.tensor(1), accumulate=True)
    return table


def chance(labels, classes):
    return 0.5, 0.5
""",
        lost={"test_chance": 2},
        feedback="count the commonest label",
    ),
    dict(
        name="assignment instead of counting",
        exercise="confusion_and_chance",
        answer="""
def confusion(predicted, labels, classes):
    table = torch.zeros(classes, classes, dtype=torch.long)
    table[labels, predicted] += 1
    return table


def chance(labels, classes):
    return torch.bincount(labels).max().item() / len(labels), 1 / classes
""",
        lost={"test_confusion": 2, "test_chance": 2},
        feedback="counts, not shares",
    ),
    dict(
        name="the kernel is ended",
        exercise="confusion_and_chance",
        answer="""
import os

def confusion(predicted, labels, classes):
    os._exit(0)


def chance(labels, classes):
    return 1 / classes, torch.bincount(labels).max().item() / len(labels)
""",
        lost={"test_confusion": 2},
        feedback="This cell ended Python",
        alone=True,
    ),
    dict(
        name="the package's even_starts",
        exercise="clip_starts",
        answer="""from r2p1d_edu.video.clips import even_starts


def clip_starts(length, frames, stride, clips):
    return even_starts(length, frames, stride, clips)
""",
        lost={"test_clip_starts": 3},
        feedback="even_starts of r2p1d_edu is not there while this exercise is graded",
    ),
    dict(
        name="the package's group_of",
        exercise="parse_name",
        answer="""from r2p1d_edu.video.ucf101 import group_of


def parse_name(path):
    name, group = group_of(path).split('/')
    return name.title(), int(group), int(path[-6:-4])
""",
        lost={"test_parse_name": 2},
        feedback="is not there while this exercise is graded",
    ),
    dict(
        name="somebody else's case",
        exercise="my_case",
        answer="""MY_ID = "s0000001"
my_answer = (1, 2)
""",
        lost={"test_my_case": 1},
        feedback="your case: expected",
    ),
    dict(
        name="no id",
        exercise="my_case",
        answer="""MY_ID = ""
my_answer = (1, 2)
""",
        lost={"test_my_case": 1},
        feedback="MY_ID is your student id",
    ),
    dict(
        name="not filled in",
        exercise="my_case",
        answer="""MY_ID = "s0000000"
my_answer = None
""",
        lost={"test_my_case": 1},
        feedback="your case: expected",
    ),
]
