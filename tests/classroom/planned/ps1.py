"""Wrong answers to problem set 1, what each loses and what its feedback says."""

WRONG = [
    dict(
        name="reshape in place of permute",
        exercise="to_batch",
        answer="""
def to_batch(frames, mean=MEAN, std=STD):
    t, h, w, _ = frames.shape
    clip = frames.reshape(1, 3, t, h, w).float() / 255
    shape = (1, 3, 1, 1, 1)
    return (clip - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
""",
        lost={"test_to_batch": 2, "test_to_batch_2": 2},
        feedback="✗ bytes divided by 255, each pixel in its place",
    ),
    dict(
        name="not divided by 255",
        exercise="to_batch",
        answer="""
def to_batch(frames, mean=MEAN, std=STD):
    clip = frames.permute(3, 0, 1, 2)[None].float()
    shape = (1, 3, 1, 1, 1)
    return (clip - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
""",
        lost={"test_to_batch": 2, "test_to_batch_2": 2},
        feedback="divide by 255 before anything else",
    ),
    dict(
        name="the arguments mean and std ignored",
        exercise="to_batch",
        answer="""
def to_batch(frames, mean=MEAN, std=STD):
    clip = frames.permute(3, 0, 1, 2)[None]
    return normalise(clip)
""",
        lost={"test_to_batch": 2, "test_to_batch_2": 2},
        feedback="✗ normalised with another mean and deviation",
    ),
    dict(
        name="never normalised",
        exercise="to_batch",
        answer="""
def to_batch(frames, mean=MEAN, std=STD):
    return frames.permute(3, 0, 1, 2)[None] / 255
""",
        lost={"test_to_batch_2": 2},
        feedback="(value / 255 − mean) / deviation",
    ),
    dict(
        name="the visible sizes written in",
        exercise="to_batch",
        answer="""
def to_batch(frames, mean=MEAN, std=STD):
    clip = frames.permute(3, 0, 1, 2).reshape(1, 3, 4, 6, 8).float() / 255
    shape = (1, 3, 1, 1, 1)
    return (clip - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
""",
        lost={"test_to_batch": 2},
        feedback="T, H and W are whatever the clip has",
    ),
    dict(
        name="all reds, then all greens",
        exercise="stack_frames",
        answer="""
def stack_frames(clips):
    return clips.flatten(1, 2)
""",
        lost={"test_stack_frames": 3},
        feedback="✗ channels 0, 1, 2 are the first frame",
    ),
    dict(
        name="30 channels written in",
        exercise="stack_frames",
        answer="""
def stack_frames(clips):
    n, c, t, h, w = clips.shape
    return clips.transpose(1, 2).reshape(n, 30, h, w)
""",
        lost={"test_stack_frames": 3},
        feedback="C is not always 3 and T not always 10",
    ),
    dict(
        name="frames into the batch, as f-R2D does",
        exercise="stack_frames",
        answer="""
def stack_frames(clips):
    return clips.transpose(1, 2).flatten(0, 1)
""",
        lost={"test_stack_frames": 3},
        feedback="expected (2, 30, 5, 4), got (20, 3, 5, 4)",
    ),
    dict(
        name="floor forgotten",
        exercise="output_shape",
        answer="""
def output_shape(size, kernel, stride, padding):
    return tuple((n + 2 * p - k) / s + 1 for n, k, s, p in zip(size, kernel, stride, padding))
""",
        lost={"test_output_shape": 2, "test_output_shape_2": 2},
        feedback="use //, which divides and rounds down",
    ),
    dict(
        name="rounded up in place of down",
        exercise="output_shape",
        answer="""
def output_shape(size, kernel, stride, padding):
    return tuple(-(-(n + 2 * p - k) // s) + 1 for n, k, s, p in zip(size, kernel, stride, padding))
""",
        lost={"test_output_shape": 2, "test_output_shape_2": 2},
        feedback="round down first, then add 1",
    ),
    dict(
        name="padding counted at one end",
        exercise="output_shape",
        answer="""
def output_shape(size, kernel, stride, padding):
    return tuple((n + p - k) // s + 1 for n, k, s, p in zip(size, kernel, stride, padding))
""",
        lost={"test_output_shape": 2, "test_output_shape_2": 2},
        feedback="the padding counts at both ends",
    ),
    dict(
        name="the size over the stride, whatever the kernel",
        exercise="output_shape",
        answer="""
def output_shape(size, kernel, stride, padding):
    return tuple(n // s for n, s in zip(size, stride))
""",
        lost={"test_output_shape_2": 2},
        feedback="compare your rule axis by axis",
    ),
    dict(
        name="reshape mixes colours and frames",
        exercise="per_frame",
        answer="""
def per_frame(layer, clips):
    n, c, t, h, w = clips.shape
    answers = layer(clips.reshape(n * t, c, h, w))
    return answers.reshape(n, answers.shape[1], t, *answers.shape[2:])
""",
        lost={"test_per_frame": 2, "test_per_frame_2": 2},
        feedback="reshape alone mixes colours of different frames",
    ),
    dict(
        name="folded as N·T, unfolded as T·N",
        exercise="per_frame",
        answer="""
def per_frame(layer, clips):
    n, _, t, _, _ = clips.shape
    return layer(clips.transpose(1, 2).flatten(0, 1)).unflatten(0, (t, n)).permute(1, 2, 0, 3, 4)
""",
        lost={"test_per_frame_2": 2},
        feedback="fold and unfold in the same order",
    ),
    dict(
        name="only the first clip of the batch",
        exercise="per_frame",
        answer="""
def per_frame(layer, clips):
    return layer(clips[0].transpose(0, 1)).transpose(0, 1)[None]
""",
        lost={"test_per_frame_2": 2},
        feedback="N is whatever the batch has",
    ),
    dict(
        name="argmax before averaging",
        exercise="clip_answer",
        answer="""
def clip_answer(scores):
    return scores.argmax(2).mode(1).values
""",
        lost={"test_clip_answer": 3},
        feedback="choosing first is a vote of the frames",
    ),
    dict(
        name="the highest frame in place of the average",
        exercise="clip_answer",
        answer="""
def clip_answer(scores):
    return scores.amax(1).argmax(1)
""",
        lost={"test_clip_answer": 3},
        feedback="the average counts, not the highest frame",
    ),
    dict(
        name="averaged over the batch",
        exercise="clip_answer",
        answer="""
def clip_answer(scores):
    return scores.mean(0).argmax(1)
""",
        lost={"test_clip_answer": 3},
        feedback="one number for each clip",
    ),
    dict(
        name="only reversed",
        exercise="blind_to_order",
        answer="""
def blind_to_order(network, clips):
    with torch.no_grad():
        return torch.allclose(network(clips), network(clips.flip(2)), atol=1e-4)
""",
        lost={"test_blind_to_order": 2},
        feedback="try several random orders, not the reversed one alone",
    ),
    dict(
        name="choices compared, not scores",
        exercise="blind_to_order",
        answer="""
def blind_to_order(network, clips):
    shuffles = [clips[:, :, torch.randperm(clips.shape[2])] for _ in range(8)]
    with torch.no_grad():
        return all(torch.equal(network(clips).argmax(1), network(x).argmax(1)) for x in shuffles)
""",
        lost={"test_blind_to_order": 2},
        feedback="compare the scores, not the chosen classes",
    ),
    dict(
        name="always True",
        exercise="blind_to_order",
        answer="""
def blind_to_order(network, clips):
    return True
""",
        lost={"test_blind_to_order": 2},
        feedback="✗ R2D is not: expected False, got True",
    ),
    dict(
        name="rows shuffled in place of frames",
        exercise="blind_to_order",
        answer="""
def blind_to_order(network, clips):
    with torch.no_grad():
        return torch.allclose(network(clips), network(clips.flip(3)), atol=1e-4)
""",
        lost={"test_blind_to_order": 2},
        feedback="✗ f-R2D is blind to order",
    ),
    dict(
        name="the program is ended",
        exercise="clip_answer",
        answer="""
def clip_answer(scores):
    import sys
    sys.exit(0)
""",
        lost={"test_clip_answer": 3},
        feedback="your code ended the program",
    ),
    dict(
        name="the checks replaced",
        exercise="clip_answer",
        alone=True,
        answer="""
from r2p1d_edu.lab import checks

def grade(*all_is_well):
    pass

checks.grade = checks.Check.__init__ = grade

def clip_answer(scores):
    return 0
""",
        lost={"test_clip_answer": 3},
        feedback="✗ two clips whose frames agree",
    ),
    dict(
        name="the package's normalise",
        exercise="to_batch",
        answer="""from r2p1d_edu.video.clips import normalise


def to_batch(frames, mean=MEAN, std=STD):
    return normalise(frames.permute(3, 0, 1, 2)[None])
""",
        lost={"test_to_batch": 2, "test_to_batch_2": 2},
        feedback="normalise of r2p1d_edu is not there while this exercise is graded",
    ),
    dict(
        name="somebody else's case",
        exercise="my_case",
        answer="""MY_ID = "s0000001"
my_answer = (1, 2, 3)
""",
        lost={"test_my_case": 1},
        feedback="your case: expected",
    ),
    dict(
        name="no id",
        exercise="my_case",
        answer="""MY_ID = ""
my_answer = (1, 2, 3)
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
