"""Wrong answers to problem set 3, the points they must lose, and words that their feedback must have."""

WRONG = [
    # 1 · table_row
    dict(
        name="one group too late",
        exercise="table_row",
        answer="""def table_row(name):
    first, then = ("2d", "3d") if name.startswith("r") else ("3d", "2d")
    x = int(name[-1])
    return (first,) * x + (then,) * (5 - x)
""",
        lost={"test_table_row": 2, "test_table_row_2": 1},
        feedback="MC3: 3D first, and from group 3 on 2D; rMC3 the other way round",
    ),
    dict(
        name="2D first in MCx, as in the article's section 3.4",
        exercise="table_row",
        answer="""def table_row(name):
    first, then = ("3d", "2d") if name.startswith("r") else ("2d", "3d")
    x = int(name[-1])
    return (first,) * (x - 1) + (then,) * (6 - x)
""",
        lost={"test_table_row": 2, "test_table_row_2": 1},
        feedback="row of rMC4: expected",
    ),
    dict(
        name="the stem left out of the count",
        exercise="table_row",
        answer="""def table_row(name):
    first, then = ("2d", "3d") if name.startswith("r") else ("3d", "2d")
    x = int(name[-1])
    return tuple(first if group < x else then for group in range(1, 5))
""",
        lost={"test_table_row": 2, "test_table_row_2": 1},
        feedback="row of MC3: expected",
    ),
    dict(
        name="the r overlooked",
        exercise="table_row",
        answer="""def table_row(name):
    x = int(name[-1])
    return ("3d",) * (x - 1) + ("2d",) * (6 - x)
""",
        lost={"test_table_row": 2, "test_table_row_2": 1},
        feedback="row of rMC4: expected",
    ),
    dict(
        name="the visible rows typed in",
        exercise="table_row",
        answer="""def table_row(name):
    if name == "rmc4":
        return ("2d", "2d", "2d", "3d", "3d")
    return {"1": ("2d",) * 5, "6": ("3d",) * 5}.get(
        name[-1], ("3d", "3d", "2d", "2d", "2d")
    )
""",
        lost={"test_table_row": 2, "test_table_row_2": 1},
        feedback="row of rmc3: expected",
    ),
    # 2 · conv_cost
    dict(
        name="FLOPs, not MACs",
        exercise="conv_cost",
        answer="""def conv_cost(n_in, n_out, kernel, stride, clip):
    weights, positions = n_in * n_out, 1
    for k, s, n in zip(kernel, stride, clip):
        weights *= k
        positions *= -(-n // s)
    return weights, 2 * weights * positions
""",
        lost={"test_conv_cost": 2, "test_conv_cost_2": 2},
        feedback="3×3×3, stride 1: expected (110592, 5549064192), got (110592, 11098128384)",
    ),
    dict(
        name="the stride overlooked",
        exercise="conv_cost",
        answer="""def conv_cost(n_in, n_out, kernel, stride, clip):
    weights = n_in * n_out * kernel[0] * kernel[1] * kernel[2]
    return weights, weights * clip[0] * clip[1] * clip[2]
""",
        lost={"test_conv_cost": 2, "test_conv_cost_2": 2},
        feedback="a stride leaves fewer output numbers: count those that come out, not in",
    ),
    dict(
        name="rounded down",
        exercise="conv_cost",
        answer="""def conv_cost(n_in, n_out, kernel, stride, clip):
    weights, positions = n_in * n_out, 1
    for k, s, n in zip(kernel, stride, clip):
        weights *= k
        positions *= n // s
    return weights, weights * positions
""",
        lost={"test_conv_cost_2": 2},
        feedback="7 frames with stride 2: outputs at frames 0, 2, 4 and 6",
    ),
    dict(
        name="no padding",
        exercise="conv_cost",
        answer="""def conv_cost(n_in, n_out, kernel, stride, clip):
    weights, positions = n_in * n_out, 1
    for k, s, n in zip(kernel, stride, clip):
        weights *= k
        positions *= (n - k) // s + 1
    return weights, weights * positions
""",
        lost={"test_conv_cost": 2, "test_conv_cost_2": 2},
        feedback="3×3×3, stride 1: expected (110592, 5549064192), got (110592, 4514807808)",
    ),
    dict(
        name="a bias counted",
        exercise="conv_cost",
        answer="""def conv_cost(n_in, n_out, kernel, stride, clip):
    weights, positions = n_in * n_out, 1
    for k, s, n in zip(kernel, stride, clip):
        weights *= k
        positions *= -(-n // s)
    return weights + n_out, weights * positions
""",
        lost={"test_conv_cost": 2, "test_conv_cost_2": 2},
        feedback="3×3×3, stride 1: expected (110592, 5549064192), got (110656, 5549064192)",
    ),
    dict(
        name="the visible costs typed in",
        exercise="conv_cost",
        answer="""def conv_cost(n_in, n_out, kernel, stride, clip):
    return {
        3: (28_224, 1_416_167_424),
        10: (5_400, 345_600),
        64: (110_592, 5_549_064_192) if n_out == 64 else (73_728, 924_844_032),
    }.get(n_in, (0, 0))
""",
        lost={"test_conv_cost": 2, "test_conv_cost_2": 2},
        feedback="(3, 3, 3), (2, 2, 2), (15, 57, 57)): expected",
    ),
    # 3 · group_cost
    dict(
        name="BatchNorm forgotten",
        exercise="group_cost",
        answer="""def group_cost(kind, n_in, n_out, clip):
    kernel, s = ((1, 3, 3), 1) if kind == "2d" else ((3, 3, 3), 2)
    stride = (1, 1, 1) if n_in == n_out else (s, 2, 2)
    weights, macs, size = conv_bill(n_in, n_out, kernel, stride, clip)
    other = conv_bill(n_out, n_out, kernel, (1, 1, 1), size)
    weights, macs = weights + 3 * other[0], macs + 3 * other[1]
    if n_in != n_out:
        door = conv_bill(n_in, n_out, (1, 1, 1), stride, clip)
        weights, macs = weights + door[0], macs + door[1]
    return weights, macs
""",
        lost={"test_group_cost": 2, "test_group_cost_2": 2},
        feedback="conv2_x in 3D: expected (442880, 22196256768), got (442368, 22196256768)",
    ),
    dict(
        name="shortcut forgotten",
        exercise="group_cost",
        answer="""def group_cost(kind, n_in, n_out, clip):
    kernel, s = ((1, 3, 3), 1) if kind == "2d" else ((3, 3, 3), 2)
    stride = (1, 1, 1) if n_in == n_out else (s, 2, 2)
    weights, macs, size = conv_bill(n_in, n_out, kernel, stride, clip)
    other = conv_bill(n_out, n_out, kernel, (1, 1, 1), size)
    return weights + 3 * other[0] + 8 * n_out, macs + 3 * other[1]
""",
        lost={"test_group_cost_2": 2},
        feedback="at the door: first convolution and shortcut, both strided, both with BatchNorm",
    ),
    dict(
        name="a 2D group that strides in time",
        exercise="group_cost",
        answer="""def group_cost(kind, n_in, n_out, clip):
    kernel = (1, 3, 3) if kind == "2d" else (3, 3, 3)
    stride = (1, 1, 1) if n_in == n_out else (2, 2, 2)
    weights, macs, size = conv_bill(n_in, n_out, kernel, stride, clip)
    other = conv_bill(n_out, n_out, kernel, (1, 1, 1), size)
    weights, macs = weights + 3 * other[0] + 8 * n_out, macs + 3 * other[1]
    if n_in != n_out:
        door = conv_bill(n_in, n_out, (1, 1, 1), stride, clip)
        weights, macs = weights + door[0] + 2 * n_out, macs + door[1]
    return weights, macs
""",
        lost={"test_group_cost_2": 2},
        feedback="conv3_x in 2D: expected (525568, 6576668672), got (525568, 3288334336)",
    ),
    dict(
        name="one block instead of two",
        exercise="group_cost",
        answer="""def group_cost(kind, n_in, n_out, clip):
    kernel, s = ((1, 3, 3), 1) if kind == "2d" else ((3, 3, 3), 2)
    stride = (1, 1, 1) if n_in == n_out else (s, 2, 2)
    weights, macs, size = conv_bill(n_in, n_out, kernel, stride, clip)
    other = conv_bill(n_out, n_out, kernel, (1, 1, 1), size)
    weights, macs = weights + other[0] + 4 * n_out, macs + other[1]
    if n_in != n_out:
        door = conv_bill(n_in, n_out, (1, 1, 1), stride, clip)
        weights, macs = weights + door[0] + 2 * n_out, macs + door[1]
    return weights, macs
""",
        lost={"test_group_cost": 2, "test_group_cost_2": 2},
        feedback="four convolutions, and a BatchNorm of 2·n_out numbers after each; no shortcut",
    ),
    dict(
        name="the other three on the clip as it came in",
        exercise="group_cost",
        answer="""def group_cost(kind, n_in, n_out, clip):
    kernel, s = ((1, 3, 3), 1) if kind == "2d" else ((3, 3, 3), 2)
    stride = (1, 1, 1) if n_in == n_out else (s, 2, 2)
    weights, macs, _ = conv_bill(n_in, n_out, kernel, stride, clip)
    other = conv_bill(n_out, n_out, kernel, (1, 1, 1), clip)
    weights, macs = weights + 3 * other[0] + 8 * n_out, macs + 3 * other[1]
    if n_in != n_out:
        door = conv_bill(n_in, n_out, (1, 1, 1), stride, clip)
        weights, macs = weights + door[0] + 2 * n_out, macs + door[1]
    return weights, macs
""",
        lost={"test_group_cost_2": 2},
        feedback="conv3_x in 3D: expected (1557760, 9762242560), got",
    ),
    dict(
        name="the visible costs typed in",
        exercise="group_cost",
        answer="""def group_cost(kind, n_in, n_out, clip):
    same = {"3d": (442_880, 22_196_256_768), "2d": (147_968, 7_398_752_256)}
    wider = {"3d": (1_557_760, 9_762_242_560), "2d": (525_568, 6_576_668_672)}
    return (same if n_in == n_out else wider)[kind]
""",
        lost={"test_group_cost": 2, "test_group_cost_2": 2},
        feedback="at the door: first convolution and shortcut",
    ),
    # 4 · network_cost
    dict(
        name="frames not handed on",
        exercise="network_cost",
        answer="""def network_cost(row, frames=16, num_classes=400):
    bills = [group_bill(number, kind, frames) for number, kind in enumerate(row, 1)]
    parameters = sum(bill[0] for bill in bills) + 513 * num_classes
    return parameters, sum(bill[1] for bill in bills) + 512 * num_classes
""",
        lost={"test_network_cost_2": 2},
        feedback="a 3D group hands on half of its frames: the next one works on fewer",
    ),
    dict(
        name="the classifier's bias forgotten",
        exercise="network_cost",
        answer="""def network_cost(row, frames=16, num_classes=400):
    parameters = macs = 512 * num_classes
    for number, kind in enumerate(row, 1):
        bill = group_bill(number, kind, frames)
        parameters, macs, frames = parameters + bill[0], macs + bill[1], bill[2]
    return parameters, macs
""",
        lost={"test_network_cost": 2},
        feedback="parameters, R3D: expected 33371472, got 33371072",
    ),
    dict(
        name="the bias counted as work",
        exercise="network_cost",
        answer="""def network_cost(row, frames=16, num_classes=400):
    parameters = macs = 513 * num_classes
    for number, kind in enumerate(row, 1):
        bill = group_bill(number, kind, frames)
        parameters, macs, frames = parameters + bill[0], macs + bill[1], bill[2]
    return parameters, macs
""",
        lost={"test_network_cost_2": 2},
        feedback="MACs, R3D: expected 40696553472, got 40696553872",
    ),
    dict(
        name="no classifier",
        exercise="network_cost",
        answer="""def network_cost(row, frames=16, num_classes=400):
    parameters = macs = 0
    for number, kind in enumerate(row, 1):
        bill = group_bill(number, kind, frames)
        parameters, macs, frames = parameters + bill[0], macs + bill[1], bill[2]
    return parameters, macs
""",
        lost={"test_network_cost": 2, "test_network_cost_2": 2},
        feedback="do not forget the classifier: its matrix and its bias",
    ),
    dict(
        name="hard-coded from the lesson",
        exercise="network_cost",
        answer="""def network_cost(row, frames=16, num_classes=400):
    if row[-1] == "3d":
        return 33_371_472, 40_696_553_472
    return 11_695_440, 43_342_635_008
""",
        lost={"test_network_cost": 2, "test_network_cost_2": 2},
        feedback="do not forget the classifier: its matrix and its bias",
    ),
    dict(
        name="frames handed on, but halved by every group",
        exercise="network_cost",
        answer="""def network_cost(row, frames=16, num_classes=400):
    parameters, macs = 513 * num_classes, 512 * num_classes
    for number, kind in enumerate(row, 1):
        bill = group_bill(number, kind, frames)
        parameters, macs = parameters + bill[0], macs + bill[1]
        if number > 2:
            frames = frames // 2
    return parameters, macs
""",
        lost={"test_network_cost_2": 2},
        feedback="MACs, MC3: expected 43342635008, got",
    ),
    # 5 · dominant_groups
    dict(
        name="parameters both times",
        exercise="dominant_groups",
        answer="""def dominant_groups(row, depth=18, frames=16):
    with torch.device("meta"):
        network = create_network(row, depth=depth)
    rows = account(network, (3, frames, 112, 112)).groups().rows[:5]
    largest = max(range(5), key=lambda group: rows[group].parameters)
    return GROUPS[largest], GROUPS[largest]
""",
        lost={"test_dominant_groups_2": 1},
        feedback="most MACs, R3D: expected conv2_x, got conv5_x",
    ),
    dict(
        name="the two names exchanged",
        exercise="dominant_groups",
        answer="""def dominant_groups(row, depth=18, frames=16):
    with torch.device("meta"):
        network = create_network(row, depth=depth)
    rows = account(network, (3, frames, 112, 112)).groups().rows[:5]
    weights = max(range(5), key=lambda group: rows[group].parameters)
    work = max(range(5), key=lambda group: rows[group].macs)
    return GROUPS[work], GROUPS[weights]
""",
        lost={"test_dominant_groups": 1, "test_dominant_groups_2": 1},
        feedback="the second of the two names: the largest of the groups",
    ),
    dict(
        name="always what R3D-18 has",
        exercise="dominant_groups",
        answer="""def dominant_groups(row, depth=18, frames=16):
    return "conv5_x", "conv2_x"
""",
        lost={"test_dominant_groups": 1, "test_dominant_groups_2": 1},
        feedback="most MACs, rMC3: expected conv3_x, got conv2_x",
    ),
    dict(
        name="depth overlooked",
        exercise="dominant_groups",
        answer="""def dominant_groups(row, depth=18, frames=16):
    with torch.device("meta"):
        network = create_network(row)
    rows = account(network, (3, frames, 112, 112)).groups().rows[:5]
    weights = max(range(5), key=lambda group: rows[group].parameters)
    work = max(range(5), key=lambda group: rows[group].macs)
    return GROUPS[weights], GROUPS[work]
""",
        lost={"test_dominant_groups": 1, "test_dominant_groups_2": 1},
        feedback="most parameters, MC5, depth 34: expected conv4_x, got conv5_x",
    ),
    dict(
        name="the visible names typed in",
        exercise="dominant_groups",
        answer="""def dominant_groups(row, depth=18, frames=16):
    largest = "conv4_x" if depth == 34 else "conv5_x"
    return largest, "conv2_x" if row[1] == "3d" else "conv3_x"
""",
        lost={"test_dominant_groups_2": 1},
        feedback="most MACs, 2d 2d 2d 3d 3d, depth 18, 8 frames: expected conv4_x, got conv3_x",
    ),
    # 6 · second_block_ratio
    dict(
        name="weights alone",
        exercise="second_block_ratio",
        answer="""def second_block_ratio(row, group):
    return 1 / 3 if row[group - 1] == "2d" else 1.0
""",
        lost={"test_second_block_ratio": 1, "test_second_block_ratio_2": 2},
        feedback="a third of the weights, times the frames of MC3 over the frames of R3D",
    ),
    dict(
        name="a 3D group is always R3D's",
        exercise="second_block_ratio",
        answer="""def second_block_ratio(row, group):
    if row[group - 1] == "3d":
        return 1.0
    return 2 ** row[2:group].count("2d") / 3
""",
        lost={"test_second_block_ratio_2": 2},
        feedback="rMC4, conv5_x: expected 2.0, got 1.0",
    ),
    dict(
        name="conv2_x counted as a group that strides",
        exercise="second_block_ratio",
        answer="""def second_block_ratio(row, group):
    frames = 2 ** row[1:group].count("2d")
    return frames / 3 if row[group - 1] == "2d" else frames
""",
        lost={"test_second_block_ratio_2": 2},
        feedback="rMC3, conv2_x: expected 0.333",
    ),
    dict(
        name="upside down",
        exercise="second_block_ratio",
        answer="""def second_block_ratio(row, group):
    ratio = 2 ** row[2:group].count("2d")
    if row[group - 1] == "2d":
        ratio = ratio / 3
    return 1 / ratio
""",
        lost={"test_second_block_ratio": 1, "test_second_block_ratio_2": 2},
        feedback="MC3, conv3_x: expected 0.666",
    ),
    dict(
        name="the group itself left out",
        exercise="second_block_ratio",
        answer="""def second_block_ratio(row, group):
    frames = 2 ** row[2 : group - 1].count("2d")
    return frames / 3 if row[group - 1] == "2d" else frames
""",
        lost={"test_second_block_ratio": 1, "test_second_block_ratio_2": 2},
        feedback="MC3, conv3_x: expected 0.666",
    ),
    dict(
        name="the visible ratios typed in",
        exercise="second_block_ratio",
        answer="""def second_block_ratio(row, group):
    if row[0] == "3d":
        return (1, 2 / 3, 4 / 3, 8 / 3)[group - 2]
    return 1 / 3 if group == 2 else (1.0 if row[2] == "3d" else 2.0)
""",
        lost={"test_second_block_ratio_2": 2},
        feedback="conv2_x to conv5_x of 3d 2d 3d 2d 3d: 4 of 4 values are not as expected",
    ),
    dict(
        name="the package's table",
        exercise="table_row",
        answer="""def table_row(name):
    return FAMILY[name]
""",
        lost={"test_table_row": 2, "test_table_row_2": 1},
        feedback="FAMILY of r2p1d_edu is not there while this exercise is graded",
    ),
    dict(
        name="account on one layer",
        exercise="conv_cost",
        answer="""def conv_cost(n_in, n_out, kernel, stride, clip):
    cost = account(Conv(n_in, n_out, kernel, stride), (n_in, *clip))
    return cost.params, cost.macs
""",
        lost={"test_conv_cost": 2, "test_conv_cost_2": 2},
        feedback="of r2p1d_edu is not there while this exercise is graded",
    ),
    dict(
        name="the function given for exercise 3",
        exercise="conv_cost",
        answer="""def conv_cost(n_in, n_out, kernel, stride, clip):
    return conv_bill(n_in, n_out, kernel, stride, clip)[:2]
""",
        lost={"test_conv_cost": 2, "test_conv_cost_2": 2},
        feedback="name 'conv_bill' is not defined",
    ),
    dict(
        name="account on the group",
        exercise="group_cost",
        answer="""def group_cost(kind, n_in, n_out, clip):
    network = create_network((kind,) * 5, width=n_in)
    row = account(network, (3, *clip)).groups().rows[1]
    return row.parameters, row.macs
""",
        lost={"test_group_cost": 2, "test_group_cost_2": 2},
        feedback="of r2p1d_edu is not there while this exercise is graded",
    ),
    dict(
        name="account on the whole network",
        exercise="network_cost",
        answer="""def network_cost(row, frames=16, num_classes=400):
    cost = account(create_network(row, num_classes=num_classes), (3, frames, 112, 112))
    return cost.params, cost.macs
""",
        lost={"test_network_cost": 2, "test_network_cost_2": 2},
        feedback="of r2p1d_edu is not there while this exercise is graded",
    ),
    dict(
        name="somebody else's case",
        exercise="my_case",
        answer="""MY_ID = "s0000001"
my_answer = (8, 8, 4, 2, 1)
""",
        lost={"test_my_case": 1},
        feedback="your case: expected",
    ),
    dict(
        name="no id",
        exercise="my_case",
        answer="""MY_ID = ""
my_answer = (8, 8, 4, 2, 1)
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
