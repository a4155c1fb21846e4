"""Planned wrong answers to problem set 5: what each loses, and the words that its feedback shows."""

RECIPES = {"test_make_recipes": 1, "test_blind_run": 1, "test_sighted_run": 1}  # what a pair that is refused loses

WRONG = [
    # 1 · order_blind_ceiling
    dict(
        name="the number of lesson 11",
        exercise="order_blind_ceiling",
        answer="""
def order_blind_ceiling(classes, pairs):
    return 5 / 8
""",
        lost={"test_order_blind_ceiling": 2},
        feedback="one of the two, whichever it prefers",
    ),
    dict(
        name="pairs counted of which one class is not used",
        exercise="order_blind_ceiling",
        answer="""
def order_blind_ceiling(classes, pairs):
    touched = [pair for pair in pairs if pair[0] in classes or pair[1] in classes]
    return (len(classes) - len(touched)) / len(classes)
""",
        lost={"test_order_blind_ceiling": 2},
        feedback="a class whose partner is not used can be told without order",
    ),
    dict(
        name="a pair brings nothing",
        exercise="order_blind_ceiling",
        answer="""
def order_blind_ceiling(classes, pairs):
    paired = {name for pair in pairs if set(pair) <= set(classes) for name in pair}
    return (len(classes) - len(paired)) / len(classes)
""",
        lost={"test_order_blind_ceiling": 2},
        feedback="the pair brings 1 of 2, the two shapes 2 of 2",
    ),
    dict(
        name="every pair of the list is counted",
        exercise="order_blind_ceiling",
        answer="""
def order_blind_ceiling(classes, pairs):
    return 1 - len(pairs) / len(classes)
""",
        lost={"test_order_blind_ceiling": 2},
        feedback="classes Rise, Fall: expected 0.5",
    ),
    # 2 · sees_order
    dict(
        name="reversed instead of shuffled",
        exercise="sees_order",
        answer="""
def sees_order(network, clips):
    with torch.no_grad():
        before, after = network(clips), network(clips.flip(2))
    return bool((before - after).norm() > 1e-3 * before.norm())
""",
        lost={"test_sees_order": 2},
        feedback="a reversed clip is only one other order",
    ),
    dict(
        name="rounding taken for order",
        exercise="sees_order",
        answer="""
def sees_order(network, clips):
    shuffled = clips[:, :, torch.randperm(clips.shape[2])]
    with torch.no_grad():
        return not torch.equal(network(clips), network(shuffled))
""",
        lost={"test_sees_order": 2},
        feedback="allow for rounding",
    ),
    dict(
        name="clips shuffled instead of frames",
        exercise="sees_order",
        answer="""
def sees_order(network, clips):
    shuffled = clips[torch.arange(len(clips)).roll(1)]
    with torch.no_grad():
        before, after = network(clips), network(shuffled)
    return bool((before - after).norm() > 1e-3 * before.norm())
""",
        lost={"test_sees_order": 2},
        feedback="is it time that you shuffle?",
    ),
    dict(
        name="a tenth allowed where a thousandth was asked for",
        exercise="sees_order",
        answer="""
def sees_order(network, clips):
    shuffled = clips[:, :, torch.randperm(clips.shape[2])]
    with torch.no_grad():
        before, after = network(clips), network(shuffled)
    return bool((before - after).norm() > 0.1 * before.norm())
""",
        lost={"test_sees_order": 2},
        feedback="the bound is a thousandth, not more",
    ),
    # 3 · keep_run
    dict(
        name="faked artefact: the result is typed in",
        exercise="keep_run",
        answer="""
import json

def keep_run(recipe, folder):
    run = train(recipe, folder=folder)
    result = {"clip_accuracy": 0.97, "video_accuracy": 0.98}
    result |= {"split": f"{run.split.title}, test, {len(run.split.test)} videos", "protocol": "10 clips a video"}
    (folder / "result.json").write_text(json.dumps(result))
    return run
""",
        lost={"test_keep_run": 3},
        feedback="write what you measured, with this network on these videos",
    ),
    dict(
        name="tested on the training videos",
        exercise="keep_run",
        answer="""
from r2p1d_edu import evaluate
from r2p1d_edu.training.data import sampling_of

def keep_run(recipe, folder):
    run = train(recipe, folder=folder)
    result = evaluate(run.network, run.split.train, run.source, sampling_of(recipe), split="training videos")
    run.folder.write_result(result, run.seconds, run.clips_per_second)
    return run
""",
        lost={"test_keep_run": 3},
        feedback="evaluate on all test videos of the split",
    ),
    dict(
        name="never tested",
        exercise="keep_run",
        answer="""
def keep_run(recipe, folder):
    return train(recipe, folder=folder)
""",
        lost={"test_keep_run": 3},
        feedback="result.json comes after the test",
    ),
    dict(
        name="another recipe, to save time",
        exercise="keep_run",
        answer="""
def keep_run(recipe, folder):
    run = train(recipe.changed(epochs=1), folder=folder)
    run.folder.write_result(run.test(), run.seconds, run.clips_per_second)
    return run
""",
        lost={"test_keep_run": 3},
        feedback="train the recipe that you are given, unchanged",
    ),
    dict(
        name="the program is ended when all is done",
        exercise="keep_run",
        answer="""
import sys

def keep_run(recipe, folder):
    run = train(recipe, folder=folder)
    run.folder.write_result(run.test(), run.seconds, run.clips_per_second)
    sys.exit(0)
""",
        lost={"test_keep_run": 3},
        feedback="your code ended the program (exit)",
    ),
    # 4 · make_recipes
    dict(
        name="fair, but the steps are too small to learn anything",
        exercise="make_recipes",
        answer="""
def make_recipes(videos):
    blind = Recipe(
        videos=videos,
        classes=CLASSES,
        network="f_r2d",
        options={"depth": 10, "width": 4},
        frames=4,
        size=16,
        epochs=1,
        learning_rate=1e-9,
        validation=0.0,
    )
    return {"blind": blind, "sighted": blind.changed(network="r3d")}
""",
        lost={"test_blind_run": 1, "test_sighted_run": 1},
        feedback="it has not found the direction of time yet",
    ),
    dict(
        name="two differences: the network and the learning rate",
        exercise="make_recipes",
        answer="""
def make_recipes(videos):
    data = dict(videos=videos, classes=CLASSES, options={"depth": 10, "width": 8}, size=32, epochs=16, validation=0.0)
    return {
        "blind": Recipe(network="f_r2d", learning_rate=1e-4, **data),
        "sighted": Recipe(network="r3d", learning_rate=5e-3, **data),
    }
""",
        lost=RECIPES,
        feedback="a fair comparison changes one thing",
    ),
    dict(
        name="over the budget",
        exercise="make_recipes",
        answer="""
def make_recipes(videos):
    blind = Recipe(videos=videos, classes=CLASSES, network="f_r2d", size=56, epochs=60, learning_rate=5e-3)
    return {"blind": blind, "sighted": blind.changed(network="r2plus1d")}
""",
        lost=RECIPES,
        feedback="fields outside the budget: expected",
    ),
    dict(
        name="R2D taken for blind, though its first layer sees all frames",
        exercise="make_recipes",
        answer="""
def make_recipes(videos):
    blind = Recipe(
        videos=videos, classes=CLASSES, network="r2d", options={"depth": 10, "width": 8}, size=32, epochs=16
    )
    return {"blind": blind, "sighted": blind.changed(network="r3d")}
""",
        lost=RECIPES,
        feedback="which of the family looks at every frame alone and averages?",
    ),
    dict(
        name="all eight classes",
        exercise="make_recipes",
        answer="""
def make_recipes(videos):
    blind = Recipe(videos=videos, network="f_r2d", options={"depth": 10, "width": 8}, size=32, epochs=16)
    return {"blind": blind, "sighted": blind.changed(network="r3d")}
""",
        lost=RECIPES,
        feedback="classes=CLASSES; else all eight are used",
    ),
    # 5 · clearly_above
    dict(
        name="any share above the bound",
        exercise="clearly_above",
        answer="""
def clearly_above(right, videos, bound):
    return right / videos > bound
""",
        lost={"test_clearly_above": 2},
        feedback="√(bound · (1 − bound) / videos), twice, above the bound",
    ),
    dict(
        name="the share that came out in place of the bound",
        exercise="clearly_above",
        answer="""
def clearly_above(right, videos, bound):
    share = right / videos
    return share > bound + 2 * (share * (1 - share) / videos) ** 0.5
""",
        lost={"test_clearly_above": 2},
        feedback="use the bound for p, not the share that came out",
    ),
    dict(
        name="one standard deviation",
        exercise="clearly_above",
        answer="""
def clearly_above(right, videos, bound):
    return right / videos > bound + (bound * (1 - bound) / videos) ** 0.5
""",
        lost={"test_clearly_above": 2},
        feedback="two standard deviations, not one",
    ),
    dict(
        name="the root is forgotten",
        exercise="clearly_above",
        answer="""
def clearly_above(right, videos, bound):
    return right / videos > bound + 2 * bound * (1 - bound) / videos
""",
        lost={"test_clearly_above": 2},
        feedback="50 of 84 right against a bound of 0.5: expected False",
    ),
    dict(
        name="somebody else's case",
        exercise="my_case",
        answer="""MY_ID = "s0000001"
my_answer = (1.0, 2)
""",
        lost={"test_my_case": 1},
        feedback="your case: expected",
    ),
    dict(
        name="no id",
        exercise="my_case",
        answer="""MY_ID = ""
my_answer = (1.0, 2)
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
