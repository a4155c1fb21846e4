"""Wrong answers to problem set 2, the points they must lose, and words that their feedback must have."""

WRONG = [
    # 1 · matched_width
    dict(
        name="floor forgotten",
        exercise="matched_width",
        answer="""def matched_width(n_in, n_out, t=3, d=3):
    return t * d**2 * n_in * n_out / (d**2 * n_in + t * n_out)
""",
        lost={"test_matched_width": 2, "test_matched_width_2": 2},
        feedback="M for 64 to 128 channels: expected 230, got 230.4",
    ),
    dict(
        name="rounded to the nearest",
        exercise="matched_width",
        answer="""def matched_width(n_in, n_out, t=3, d=3):
    return round(t * d**2 * n_in * n_out / (d**2 * n_in + t * n_out))
""",
        lost={"test_matched_width": 2, "test_matched_width_2": 2},
        feedback="M for 128 to 256 channels: expected 460, got 461",
    ),
    dict(
        name="only ever a 3×3×3 kernel",
        exercise="matched_width",
        answer="""def matched_width(n_in, n_out, t=3, d=3):
    return 27 * n_in * n_out // (9 * n_in + 3 * n_out)
""",
        lost={"test_matched_width_2": 2},
        feedback="M for a stem, 3×7×7: expected 83, got 23",
    ),
    dict(
        name="channels exchanged in the price",
        exercise="matched_width",
        answer="""def matched_width(n_in, n_out, t=3, d=3):
    return t * d**2 * n_in * n_out // (d**2 * n_out + t * n_in)
""",
        lost={"test_matched_width": 2, "test_matched_width_2": 2},
        feedback="M for 64 to 128 channels: expected 230, got 164",
    ),
    dict(
        name="hard-coded from the lesson",
        exercise="matched_width",
        answer="""def matched_width(n_in, n_out, t=3, d=3):
    if d == 7:
        return 83 if t == 3 else 100
    if t == 5:
        return 308
    return {64: 144, 128: 230, 256: 460}[n_out]
""",
        lost={"test_matched_width": 2, "test_matched_width_2": 2},
        feedback="your code stopped in the line `return {64: 144, 128: 230, 256: 460}[n_out]` with KeyError",
    ),
    # 2 · count_parameters
    dict(
        name="BatchNorm in the middle forgotten",
        exercise="count_parameters",
        answer="""def parameters_3d(n_in, n_out, t=3, d=3):
    return t * d * d * n_in * n_out + 2 * n_out


def parameters_pair(n_in, n_out, mid, t=3, d=3):
    return d * d * n_in * mid + t * mid * n_out + 2 * n_out
""",
        lost={"test_count_parameters_2": 2},
        feedback="64 to 144 to 64: expected 111008, got 110720",
    ),
    dict(
        name="weights alone",
        exercise="count_parameters",
        answer="""def parameters_3d(n_in, n_out, t=3, d=3):
    return t * d * d * n_in * n_out


def parameters_pair(n_in, n_out, mid, t=3, d=3):
    return d * d * n_in * mid + t * mid * n_out
""",
        lost={"test_count_parameters": 1, "test_count_parameters_2": 2},
        feedback="a scale and a shift for each of the 64 output channels",
    ),
    dict(
        name="biases counted",
        exercise="count_parameters",
        answer="""def parameters_3d(n_in, n_out, t=3, d=3):
    return t * d * d * n_in * n_out + 3 * n_out


def parameters_pair(n_in, n_out, mid, t=3, d=3):
    return d * d * n_in * mid + 3 * mid + t * mid * n_out + 3 * n_out
""",
        lost={"test_count_parameters": 1, "test_count_parameters_2": 2},
        feedback="3D, 3×3×3, 64 to 64: expected 110720, got 110784",
    ),
    dict(
        name="time starts again from n_in",
        exercise="count_parameters",
        answer="""def parameters_3d(n_in, n_out, t=3, d=3):
    return t * d * d * n_in * n_out + 2 * n_out


def parameters_pair(n_in, n_out, mid, t=3, d=3):
    return d * d * n_in * mid + 2 * mid + t * n_in * n_out + 2 * n_out
""",
        lost={"test_count_parameters_2": 2},
        feedback="64 to 144 to 64: expected 111008, got 95648",
    ),
    dict(
        name="printed, not returned",
        exercise="count_parameters",
        answer="""def parameters_3d(n_in, n_out, t=3, d=3):
    print(t * d * d * n_in * n_out + 2 * n_out)


def parameters_pair(n_in, n_out, mid, t=3, d=3):
    print(d * d * n_in * mid + 2 * mid + t * mid * n_out + 2 * n_out)
""",
        lost={"test_count_parameters": 1, "test_count_parameters_2": 2},
        feedback="3D, 3×3×3, 64 to 64: expected 110720, got None",
    ),
    dict(
        name="the visible numbers typed in",
        exercise="count_parameters",
        answer="""def parameters_3d(n_in, n_out, t=3, d=3):
    return {(64, 64): 110_720, (64, 128): 221_440}.get((n_in, n_out), 28_352)


def parameters_pair(n_in, n_out, mid, t=3, d=3):
    return {144: 111_008, 230: 221_516}.get(mid, 15_473)
""",
        lost={"test_count_parameters": 1, "test_count_parameters_2": 2},
        feedback="got 28352",
    ),
    # 3 · SpaceThenTime
    dict(
        name="padding of 1 everywhere",
        exercise="SpaceThenTime",
        answer="""class SpaceThenTime(nn.Module):
    def __init__(self, n_in, n_out, mid, stride=1):
        super().__init__()
        s = stride
        self.space = nn.Conv3d(n_in, mid, (1, 3, 3), (1, s, s), padding=1, bias=False)
        self.norm = nn.BatchNorm3d(mid)
        self.relu = nn.ReLU()
        self.time = nn.Conv3d(mid, n_out, (3, 1, 1), (s, 1, 1), padding=1, bias=False)

    def forward(self, x):
        return self.time(self.relu(self.norm(self.space(x))))
""",
        lost={"test_SpaceThenTime": 3, "test_SpaceThenTime_2": 3},
        feedback="pad each axis by half of its kernel",
    ),
    dict(
        name="strides on the wrong halves",
        exercise="SpaceThenTime",
        answer="""class SpaceThenTime(nn.Module):
    def __init__(self, n_in, n_out, mid, stride=1):
        super().__init__()
        s = stride
        self.space = nn.Conv3d(n_in, mid, (1, 3, 3), (s, 1, 1), (0, 1, 1), bias=False)
        self.norm = nn.BatchNorm3d(mid)
        self.relu = nn.ReLU()
        self.time = nn.Conv3d(mid, n_out, (3, 1, 1), (1, s, s), (1, 0, 0), bias=False)

    def forward(self, x):
        return self.time(self.relu(self.norm(self.space(x))))
""",
        lost={"test_SpaceThenTime": 3, "test_SpaceThenTime_2": 3},
        feedback="expected [(9, 8, 7, 7), (6, 4, 7, 7)], got [(9, 4, 14, 14), (6, 4, 7, 7)]",
    ),
    dict(
        name="the whole stride on the temporal half",  # the right values, with four times the work in space
        exercise="SpaceThenTime",
        answer="""class SpaceThenTime(nn.Module):
    def __init__(self, n_in, n_out, mid, stride=1):
        super().__init__()
        self.space = nn.Conv3d(n_in, mid, (1, 3, 3), padding=(0, 1, 1), bias=False)
        self.norm = nn.BatchNorm3d(mid)
        self.time = nn.Conv3d(
            mid, n_out, (3, 1, 1), stride, padding=(1, 0, 0), bias=False
        )

    def forward(self, x):
        return self.time(torch.relu(self.norm(self.space(x))))
""",
        lost={"test_SpaceThenTime": 3},
        feedback="space takes the stride of H and W, time that of T",
    ),
    dict(
        name="ReLU left out",
        exercise="SpaceThenTime",
        answer="""class SpaceThenTime(nn.Module):
    def __init__(self, n_in, n_out, mid, stride=1):
        super().__init__()
        s = stride
        self.space = nn.Conv3d(n_in, mid, (1, 3, 3), (1, s, s), (0, 1, 1), bias=False)
        self.norm = nn.BatchNorm3d(mid)
        self.time = nn.Conv3d(mid, n_out, (3, 1, 1), (s, 1, 1), (1, 0, 0), bias=False)

    def forward(self, x):
        return self.time(self.norm(self.space(x)))
""",
        lost={"test_SpaceThenTime_2": 3},
        feedback="space, norm, ReLU, time: nothing left out, and nothing after time",
    ),
    dict(
        name="the sizes of the visible test typed in",
        exercise="SpaceThenTime",
        answer="""class SpaceThenTime(nn.Module):
    def __init__(self, n_in, n_out, mid, stride=1):
        super().__init__()
        s = stride
        self.space = nn.Conv3d(4, 9, (1, 3, 3), (1, s, s), (0, 1, 1), bias=False)
        self.norm = nn.BatchNorm3d(9)
        self.relu = nn.ReLU()
        self.time = nn.Conv3d(9, 6, (3, 1, 1), (s, 1, 1), (1, 0, 0), bias=False)

    def forward(self, x):
        return self.time(self.relu(self.norm(self.space(x))))
""",
        lost={"test_SpaceThenTime": 3, "test_SpaceThenTime_2": 3},
        feedback="your code stopped",
    ),
    dict(
        name="biases left on",
        exercise="SpaceThenTime",
        answer="""class SpaceThenTime(nn.Module):
    def __init__(self, n_in, n_out, mid, stride=1):
        super().__init__()
        s = stride
        self.space = nn.Conv3d(n_in, mid, (1, 3, 3), (1, s, s), (0, 1, 1))
        self.norm = nn.BatchNorm3d(mid)
        self.relu = nn.ReLU()
        self.time = nn.Conv3d(mid, n_out, (3, 1, 1), (s, 1, 1), (1, 0, 0))

    def forward(self, x):
        return self.time(self.relu(self.norm(self.space(x))))
""",
        lost={"test_SpaceThenTime": 3, "test_SpaceThenTime_2": 3},
        feedback="biases of space and time: expected [None, None]",
    ),
    # 4 · take_apart
    dict(
        name="all singular values kept",
        exercise="take_apart",
        answer="""def take_apart(kernel):
    n_out, n_in, t, d, _ = kernel.shape
    matrix = kernel.movedim(2, 1).reshape(n_out * t, n_in * d * d)
    U, sigma, V = torch.linalg.svd(matrix, full_matrices=False)
    r = len(sigma)
    space = V.reshape(r, n_in, 1, d, d)
    time = (U * sigma).reshape(n_out, t, r).movedim(2, 1)
    return space, time[..., None, None]
""",
        lost={"test_take_apart_2": 2},
        feedback="the matrix is 18×36, but its rank is only 5",
    ),
    dict(
        name="singular values left out",
        exercise="take_apart",
        answer="""def take_apart(kernel):
    n_out, n_in, t, d, _ = kernel.shape
    matrix = kernel.movedim(2, 1).reshape(n_out * t, n_in * d * d)
    r = int(torch.linalg.matrix_rank(matrix))
    U, sigma, V = torch.linalg.svd(matrix, full_matrices=False)
    space = V[:r].reshape(r, n_in, 1, d, d)
    time = U[:, :r].reshape(n_out, t, r).movedim(2, 1)
    return space, time[..., None, None]
""",
        lost={"test_take_apart": 2},
        feedback="first see whether your time and space, as matrices, multiply to the matrix",
    ),
    dict(
        name="flattened without moving time",
        exercise="take_apart",
        answer="""def take_apart(kernel):
    n_out, n_in, t, d, _ = kernel.shape
    matrix = kernel.reshape(n_out * t, n_in * d * d)
    r = int(torch.linalg.matrix_rank(matrix))
    U, sigma, V = torch.linalg.svd(matrix, full_matrices=False)
    space = V[:r].reshape(r, n_in, 1, d, d)
    time = (U[:, :r] * sigma[:r]).reshape(n_out, t, r).movedim(2, 1)
    return space, time[..., None, None]
""",
        lost={"test_take_apart": 2, "test_take_apart_2": 2},
        feedback="difference, rank 5: expected 0.0, got",
    ),
    dict(
        name="rank 5 hard-coded",
        exercise="take_apart",
        answer="""def take_apart(kernel):
    n_out, n_in, t, d, _ = kernel.shape
    matrix = kernel.movedim(2, 1).reshape(n_out * t, n_in * d * d)
    U, sigma, V = torch.linalg.svd(matrix, full_matrices=False)
    space = V[:5].reshape(5, n_in, 1, d, d)
    time = (U[:, :5] * sigma[:5]).reshape(n_out, t, 5).movedim(2, 1)
    return space, time[..., None, None]
""",
        lost={"test_take_apart": 2, "test_take_apart_2": 2},
        feedback="difference, 7 to 5 channels, 3×3×3, rank 9: expected 0.0, got",
    ),
    dict(
        name="V taken for its transpose",
        exercise="take_apart",
        answer="""def take_apart(kernel):
    n_out, n_in, t, d, _ = kernel.shape
    matrix = kernel.movedim(2, 1).reshape(n_out * t, n_in * d * d)
    r = int(torch.linalg.matrix_rank(matrix))
    U, sigma, V = torch.linalg.svd(matrix, full_matrices=False)
    space = V[:, :r].T.reshape(r, n_in, 1, d, d)
    time = (U[:, :r] * sigma[:r]).reshape(n_out, t, r).movedim(2, 1)
    return space, time[..., None, None]
""",
        lost={"test_take_apart": 2, "test_take_apart_2": 2},
        feedback="your code stopped in the line `space = V[:, :r].T.reshape(r, n_in, 1, d, d)`",
    ),
    # 5 · count_relus
    dict(
        name="doubled as soon as one group is (2+1)D",
        exercise="count_relus",
        answer="""def count_relus(row, blocks=(2, 2, 2, 2)):
    single = 1 + 2 * sum(blocks)
    return 2 * single if "2+1d" in row else single
""",
        lost={"test_count_relus_2": 2},
        feedback="(2+1)D in the stem alone: expected 18, got 34",
    ),
    dict(
        name="stem forgotten",
        exercise="count_relus",
        answer="""def count_relus(row, blocks=(2, 2, 2, 2)):
    pairs = zip(row[1:], blocks)
    return sum(2 * n * (2 if kind == "2+1d" else 1) for kind, n in pairs)
""",
        lost={"test_count_relus": 1, "test_count_relus_2": 2},
        feedback="ReLUs of R3D-18: expected 17, got 16",
    ),
    dict(
        name="no ReLU after the sum",
        exercise="count_relus",
        answer="""def count_relus(row, blocks=(2, 2, 2, 2)):
    total = 2 if row[0] == "2+1d" else 1
    for kind, n in zip(row[1:], blocks):
        total += n * (3 if kind == "2+1d" else 1)
    return total
""",
        lost={"test_count_relus": 1, "test_count_relus_2": 2},
        feedback="ReLUs of R3D-18: expected 17, got 9",
    ),
    dict(
        name="two blocks a group at every depth",
        exercise="count_relus",
        answer="""def count_relus(row, blocks=(2, 2, 2, 2)):
    total = 2 if row[0] == "2+1d" else 1
    for kind in row[1:]:
        total += 8 if kind == "2+1d" else 4
    return total
""",
        lost={"test_count_relus_2": 2},
        feedback="R(2+1)D-34: expected 66, got 34",
    ),
    dict(
        name="hard-coded 17 and 34",
        exercise="count_relus",
        answer="""def count_relus(row, blocks=(2, 2, 2, 2)):
    return 34 if row[-1] == "2+1d" else 17
""",
        lost={"test_count_relus_2": 2},
        feedback="(2+1)D in the stem alone: expected 18, got 17",
    ),
    dict(
        name="the visible answers typed in",
        exercise="count_relus",
        answer="""def count_relus(row, blocks=(2, 2, 2, 2)):
    if blocks == (3, 4, 6, 3):
        return 66
    return {0: 17, 1: 18, 2: 25, 5: 34}[row.count("2+1d")]
""",
        lost={"test_count_relus_2": 2},
        feedback="2d, depth 34: expected",
    ),
    dict(
        name="the package's midplanes",
        exercise="matched_width",
        answer="""from r2p1d_edu import midplanes


def matched_width(n_in, n_out, t=3, d=3):
    return midplanes(n_in, n_out, t, d)
""",
        lost={"test_matched_width": 2, "test_matched_width_2": 2},
        feedback="midplanes of r2p1d_edu is not there while this exercise is graded",
    ),
    dict(
        name="a subclass of the package's layer",
        exercise="SpaceThenTime",
        answer="""from r2p1d_edu.networks.convolutions import Conv2Plus1D


class SpaceThenTime(nn.Module):
    def __init__(self, n_in, n_out, mid, stride=1):
        super().__init__()
        self.pair = Conv2Plus1D(n_in, n_out, stride, mid)
        self.space, self.norm, self.time = self.pair[0], self.pair[1], self.pair[3]

    def forward(self, x):
        return self.pair(x)
""",
        lost={"test_SpaceThenTime": 3, "test_SpaceThenTime_2": 3},
        feedback="Conv2Plus1D of r2p1d_edu is not there while this exercise is graded",
    ),
    dict(
        name="the package's account counts the ReLUs",
        exercise="count_relus",
        answer="""from r2p1d_edu import account, create_network


def count_relus(row, blocks=(2, 2, 2, 2)):
    depth = 2 + 2 * sum(blocks)
    return account(create_network(row, depth=depth), (3, 8, 32, 32)).relus
""",
        lost={"test_count_relus": 1, "test_count_relus_2": 2},
        feedback="of r2p1d_edu is not there while this exercise is graded",
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
