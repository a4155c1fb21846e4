/**
 * Every string that the explorer shows, in English and in Chinese. {names} are filled in.
 * @module
 */

/** @type {Record<string, [string, string]>} */
export const WORDS = {
  // The frame
  "view.family": ["Family", "网络家族"],
  "view.network": ["Network", "网络"],
  "view.block": ["Group and block", "组与残差块"],
  "view.conv": ["Convolution", "卷积"],
  "view.matching": ["Matching", "参数匹配"],
  "view.time": ["Time", "时间"],
  "view.learnt": ["What it learnt", "学到了什么"],
  tour: ["Tour", "导览"],
  language: ["Language", "语言"],
  path: ["Path", "路径"],
  views: ["Views", "视图"],
  close: ["Close", "关闭"],
  linkProblem: ["This link cannot be followed.", "无法打开此链接。"],
  noView: ["There is no view “{view}”; there are {choices}.", "没有视图“{view}”；可用的有 {choices}。"],
  badPart: ["“{key}={value}” means nothing here.", "“{key}={value}”在这里没有意义。"],

  // What cannot be built
  cannotBuild: ["Cannot be built from here on:", "从这里起无法搭建："],
  tooSmall: [
    "the {kernel} window of {layer} does not fit into the {left} that is left. Use larger frames.",
    "{layer} 的 {kernel} 窗口放不进剩下的 {left}。请用更大的画面。",
  ],
  fiveKinds: ["a row has five kinds, conv1 and four groups; got “{row}”.", "一行要有五种卷积：conv1 和四个组；得到“{row}”。"],
  noKind: ["there is no kind “{kind}” here; there are {choices}.", "这里没有“{kind}”这种卷积；可用的有 {choices}。"],
  badNumber: ["{key} is {value}; it must be a whole number of 1 or more.", "{key} 是 {value}；必须是不小于 1 的整数。"],
  noDepth: ["there is no depth {depth}; there are {choices}.", "没有深度 {depth}；可用的有 {choices}。"],
  noFusion: ["there is no fusion “{fusion}”; there are pool, gru, conv.", "没有融合方式“{fusion}”；可用的有 pool、gru、conv。"],
  noRoom: ["conv1’s kernel {kernel} is larger than its input {left}: {more}.", "conv1 的卷积核 {kernel} 大于输入 {left}：{more}。"],
  noStride: ["{group} keeps every second {axis}, but only one is left: {more}.", "{group} 每两个{axis}保留一个，但只剩一个：{more}。"],
  moreFrames: ["use more frames", "请用更多帧"],
  moreSize: ["use a larger size", "请用更大的画面"],
  choose2d: ["conv1 took all frames as channels, so choose 2D after it", "conv1 已把所有帧当作通道，其后请选 2D"],
  frame: ["frame", "帧"],
  row: ["row", "行"],
  column: ["column", "列"],

  // Measures
  params: ["parameters", "参数"],
  clip: ["clip", "片段"],
  video: ["video", "视频"],
  frames: ["Frames", "帧数"],
  size: ["Height and width", "高与宽"],
  width: ["Width", "宽度（通道）"],
  depth: ["Depth", "深度"],
  "short.params": ["parameters", "参数"],
  "short.macs": ["GMAC", "GMAC"],
  "short.activations": ["activations", "激活"],
  "short.sees": ["sees frames", "可见帧数"],
  "short.relus": ["ReLUs", "ReLU"],
  "short.accuracy": ["accuracy", "准确率"],
  nFrames: ["{n} with padding", "{n}（含填充）"],
  bothAccuracies: ["clip {clip} %, video {video} %", "片段 {clip} %，视频 {video} %"],

  // Family
  "family.title": ["How convolutional networks see time", "卷积网络如何看见时间"],
  "family.say": [
    "{n} networks, each a row of five groups; a clip enters on the left. Best published {level} accuracy at {frames} frames: {best}, {accuracy} %. Pick a row to go in, or ⇄ on two rows to compare them.",
    "{n} 个网络，每行五个组，片段从左边进入。{frames} 帧时已发表的最高{level}准确率：{best}，{accuracy} %。点一行进入，或在两行上点 ⇄ 进行比较。",
  ],
  "family.picked": ["{network} is picked: pick ⇄ on another row to see the two side by side.", "已选 {network}：再在另一行点 ⇄，即可并排比较。"],
  "family.row": [
    "{network}: {kinds}; {params} parameters, {gmac} GMAC, accuracy {accuracy}. Go in",
    "{network}：{kinds}；{params} 个参数，{gmac} GMAC，准确率 {accuracy}。进入",
  ],
  "family.note": [
    "Parameters and GMAC are computed: 18 layers, 400 classes, one clip of 112×112; one MAC is one multiply-add. Accuracy as published: top-1 on the validation set of Kinetics-400, trained from scratch, a video is the average of 10 clips (Tran et al., CVPR 2018, Table 2). The table has no P3D and no C3D.",
    "参数与 GMAC 为计算所得：18 层、400 类、一个 112×112 的片段；一次乘加算一个 MAC。准确率为论文发表值：Kinetics-400 验证集 top-1，从头训练，视频为 10 个片段的平均（Tran 等，CVPR 2018，表 2）。该表没有 P3D 和 C3D。",
  ],
  "family.scatter": [
    "Accuracy of {n} networks against {cost}; {level} accuracy in percent upwards.",
    "{n} 个网络的准确率与{cost}的关系；纵轴为{level}准确率（百分比）。",
  ],
  "axis.macs": ["GMAC for one clip", "每个片段的 GMAC"],
  "axis.params": ["million parameters", "百万参数"],
  "sort.paper": ["the paper’s order", "论文顺序"],
  "sort.params": ["parameters", "参数"],
  "sort.macs": ["GMAC", "GMAC"],
  "sort.accuracy": ["accuracy", "准确率"],
  sortBy: ["Sort by", "排序"],
  framesOfClip: ["Frames of a clip", "片段帧数"],
  accuracyOf: ["Accuracy of a", "准确率对象"],
  costAxis: ["Cost", "代价"],
  pick: ["Pick {network} to compare", "选 {network} 进行比较"],
  compareWith: ["Compare {a} with {b}", "比较 {a} 与 {b}"],

  // Network
  "network.two": ["{a} beside {b}", "{a} 与 {b}"],
  "network.say": [
    "{params} parameters, {gmac} GMAC for one clip. Most parameters lie in {most}, most multiply-adds in {busy}. One value of conv5_x sees {sees} frames, padding included.",
    "{params} 个参数，每个片段 {gmac} GMAC。参数最多的是 {most}，乘加最多的是 {busy}。conv5_x 的一个值能看到 {sees} 帧（含填充）。",
  ],
  "compare.say": [
    "{b} has {params} times the parameters of {a} and takes {macs} times its multiply-adds.",
    "{b} 的参数是 {a} 的 {params} 倍，乘加是其 {macs} 倍。",
  ],
  "compare.where": [
    "They differ most in {group}: {macsA} GMAC on {shapeA} against {macsB} on {shapeB}.",
    "差别最大的是 {group}：{macsA} GMAC（{shapeA}）对 {macsB}（{shapeB}）。",
  ],
  "compare.time": [
    "A 2D group does not stride in time: {keeper} still has every frame there, {tA} against {tB}, and pays for each.",
    "2D 组不在时间上跨步：{keeper} 在那里仍保留每一帧（{tA} 对 {tB}），每一帧都要付出计算。",
  ],
  "network.note": [
    "A tensor is drawn as its frames in a row, each as thick as it has channels, as high and deep as it has rows and columns: the volume is the number of values, C×T×H×W. Pick a cuboid to go into the group; its menu changes the kind.",
    "张量画成一排帧：厚度为通道数，高和深为行数与列数；体积就是数值个数 C×T×H×W。点方块进入该组；下方菜单更换卷积种类。",
  ],
  first: ["Network", "网络"],
  second: ["Second network", "第二个网络"],
  beside: ["Compare with", "与之比较"],
  nobody: ["nobody", "无"],
  ownRow: ["a row of your own", "自定义的一行"],
  fusion: ["Fusion of frames", "帧的融合"],
  "fusion.pool": ["average", "平均"],
  "fusion.gru": ["GRU", "GRU"],
  "fusion.conv": ["convolution", "卷积"],
  theClip: ["clip", "片段"],
  head: ["average, fc", "平均、fc"],
  classes: ["{n} classes", "{n} 类"],
  kindOf: ["Kind of {group} in {network}", "{network} 中 {group} 的种类"],
  zoomInto: ["Go into {group} of {network}, {shape}", "进入 {network} 的 {group}，{shape}"],
  toTime: ["What does it see of time?", "它看到多少时间？"],
  groupName: ["{group}", "{group}"],

  // Convolution
  "conv.title": ["{kind}, number by number", "{kind}：逐个数字"],
  "kind.2d": ["A 2D convolution", "2D 卷积"],
  "kind.3d": ["A 3D convolution", "3D 卷积"],
  "kind.2+1d": ["A (2+1)D convolution", "(2+1)D 卷积"],
  "kind.p3d-a": ["P3D-A, serial: T(S(x))", "P3D-A 串行：T(S(x))"],
  "kind.p3d-b": ["P3D-B, parallel: S(x) + T(x)", "P3D-B 并行：S(x) + T(x)"],
  "kind.p3d-c": ["P3D-C, compromise: S(x) + T(S(x))", "P3D-C 折中：S(x) + T(S(x))"],
  "kind.stacked": ["The stem of R2D, frames stacked", "R2D 的第一层：堆叠所有帧"],
  "conv.2d": [
    "Frame {t}, row {y}, column {x}: nine products from this frame alone add up to {value}. No other frame can change it: with {weights} weights, time is invisible here.",
    "第 {t} 帧第 {y} 行第 {x} 列：仅来自本帧的九个乘积，和为 {value}。其他帧改变不了它：{weights} 个权重看不见时间。",
  ],
  "conv.3d": [
    "Frame {t}, row {y}, column {x}: 27 products from three frames add up to {value}. The {weights} weights see which frame came first.",
    "第 {t} 帧第 {y} 行第 {x} 列：来自三帧的 27 个乘积，和为 {value}。{weights} 个权重能分辨先后。",
  ],
  "conv.2+1d": [
    "Frame {t}, row {y}, column {x}: a 1×3×3 kernel fills M = {m} middle channels, then a 3×1×1 kernel adds over three frames: {value}. Here {weights} weights; with M = 2, ReLU off, the values are those of the 3D kernel.",
    "第 {t} 帧第 {y} 行第 {x} 列：1×3×3 核先得到 M = {m} 个中间通道，3×1×1 核再跨三帧求和：{value}。共 {weights} 个权重；M = 2 且关闭 ReLU 时，数值与 3D 核相同。",
  ],
  "conv.p3d-a": [
    "Frame {t}, row {y}, column {x}: S looks at space, T at time, one after the other: {value}. One middle channel, {weights} weights.",
    "第 {t} 帧第 {y} 行第 {x} 列：先空间 S，再时间 T：{value}。一个中间通道，{weights} 个权重。",
  ],
  "conv.p3d-b": [
    "Frame {t}, row {y}, column {x}: S looks at space, T at time, both at the clip itself, and the two are added: {value}. {weights} weights.",
    "第 {t} 帧第 {y} 行第 {x} 列：S 看空间，T 看时间，都直接看片段，再相加：{value}。{weights} 个权重。",
  ],
  "conv.p3d-c": [
    "Frame {t}, row {y}, column {x}: S by itself plus T of S: {value}. {weights} weights.",
    "第 {t} 帧第 {y} 行第 {x} 列：S 自身加上 T(S)：{value}。{weights} 个权重。",
  ],
  "conv.stacked": [
    "Row {y}, column {x}: all {last} frames are channels of one picture, {weights} products add up to {value}. The output is a single picture: after this layer there is no time left.",
    "第 {y} 行第 {x} 列：全部 {last} 帧作为一张图的通道，{weights} 个乘积之和为 {value}。输出只有一张图：此后再无时间维。",
  ],
  "conv.keys": [
    "Films. Arrow keys move the kernel in space, Page Up and Page Down in time, Space plays.",
    "胶片。方向键在空间中移动卷积核，Page Up / Page Down 在时间中移动，空格播放。",
  ],
  "conv.note": [
    "One channel of whole numbers, 0 dark to 9 bright; stride 1, zeros around the clip, no BatchNorm. Drag on a film, or pick a term to see what it is made of.",
    "单通道整数，0 暗 9 亮；步长 1，片段四周补零，无 BatchNorm。在胶片上拖动，或点一项看它由什么组成。",
  ],
  noClip: ["There is no clip of your own here; this is Rise.", "这里没有你自己的片段；显示的是 Rise。"],
  badClip: ["Your clip has another shape than (T, H, W) whole numbers from 0 to 9, 16 at most each way; this is Rise.", "你的片段不是 0 到 9 的整数 (T, H, W)，各向最多 16；显示的是 Rise。"],
  theClipFilm: ["The clip: frames in order of time", "片段：按时间排列的帧"],
  middle: ["Middle channel {m} of {of}", "中间通道 {m} / {of}"],
  middleRelu: ["Middle channel {m} of {of}, after the ReLU", "中间通道 {m} / {of}，经过 ReLU"],
  output: ["Output, frame by frame", "输出，逐帧"],
  outputOne: ["Output: one picture", "输出：一张图"],
  written: ["One value written out", "一个值的完整计算"],
  writtenAt: ["Output value at frame {t}, row {y}, column {x}", "第 {t} 帧第 {y} 行第 {x} 列的输出值"],
  frameNo: ["frame {t}", "第 {t} 帧"],
  paddingFrame: ["padding", "填充"],
  channelNo: ["channel {m}", "通道 {m}"],
  openValue: ["What is this value made of?", "这个值由什么组成？"],
  valueFrom: ["Where the {value} of channel {m}, frame {t} comes from:", "通道 {m} 第 {t} 帧的 {value} 来自："],
  valueOutside: ["This value lies outside the clip: padding, 0.", "该值在片段之外：填充 0。"],
  kind: ["Kind", "种类"],
  clipShown: ["Clip", "片段"],
  "clip.rise": ["Rise", "Rise 上升"],
  "clip.fall": ["Fall", "Fall 下落"],
  "clip.approach": ["Approach", "Approach 靠近"],
  "clip.still": ["still", "静止"],
  "clip.own": ["yours", "你的"],
  kernel: ["Kernel looks for", "卷积核寻找"],
  "kernel.motion": ["motion upwards", "向上的运动"],
  "kernel.change": ["change in time", "随时间的变化"],
  "kernel.edge": ["edges", "边缘"],
  "kernel.blur": ["brightness", "亮度"],
  middleChannels: ["Middle channels", "中间通道"],
  reluBetween: ["ReLU between", "中间 ReLU"],
  reluAfter: ["ReLU after S and T", "S、T 后的 ReLU"],
  on: ["on", "开"],
  off: ["off", "关"],
  move: ["Kernel", "卷积核"],
  play: ["Play", "播放"],
  pause: ["Pause", "暂停"],
  step: ["Step forward", "前进一步"],
  stepBack: ["Step back", "后退一步"],
  pathOf: ["Moves first through", "先沿"],
  "path.space": ["space", "空间"],
  "path.time": ["time", "时间"],

  // Group and block
  "block.title": ["{network}, {group}", "{network}，{group}"],
  "block.say": [
    "Block {n} of {of} in {group}: {params} parameters, {gmac} GMAC, {relus} ReLUs. Each edge carries its shape C×T×H×W; pick a convolution to see it at work.",
    "{group} 的第 {n} 块，共 {of} 块：{params} 个参数，{gmac} GMAC，{relus} 个 ReLU。每条边标出形状 C×T×H×W；点卷积看它如何计算。",
  ],
  "block.one": [
    "{group}: {params} parameters, {gmac} GMAC, {relus} ReLUs. Each edge carries its shape C×T×H×W; pick a convolution to see it at work.",
    "{group}：{params} 个参数，{gmac} GMAC，{relus} 个 ReLU。每条边标出形状 C×T×H×W；点卷积看它如何计算。",
  ],
  "block.article": [
    "The article’s listing ends every half in BatchNorm and ReLU, so both run twice in a row, and makes the shortcut two convolutions with a narrow middle and ReLUs: no longer linear.",
    "文章的代码在每一半后都加 BatchNorm 和 ReLU，于是连续做了两次；捷径也被拆成两个卷积，中间更窄且带 ReLU，不再是线性的。",
  ],
  "block.empty": ["This network has no such group for this clip.", "对这个片段，该网络没有这一组。"],
  "block.same": ["x itself", "x 本身"],
  "block.sItself": ["S(x) itself", "S(x) 本身"],
  "block.note": ["One MAC is one multiply-add of one clip. Parameters are weights without bias; BatchNorm has a scale and a shift a channel.", "一个 MAC 是一个片段的一次乘加。参数为无偏置的权重；BatchNorm 每个通道有缩放和平移各一个。"],
  shortcut: ["shortcut", "捷径"],
  article: ["the article’s R(2+1)D", "文章中的 R(2+1)D"],
  group: ["Group", "组"],
  "view.blocks": ["Block", "残差块"],
  blockNo: ["{n}", "{n}"],
  strideOf: [", stride {stride}", "，步长 {stride}"],
  paramsOf: ["{formula} = {n} parameters", "{formula} = {n} 个参数"],
  macsOf: ["at {places} places: {n} MACs", "在 {places} 个位置：{n} MAC"],
  norm: ["BatchNorm, {n} parameters", "BatchNorm，{n} 个参数"],
  pool: ["pool", "池化"],

  // Matching
  "matching.title": ["Two kernels for the price of one", "两个核，一个价"],
  "matching.say": [
    "A {kernel} convolution from {inputs} to {outputs} channels has {full} weights. Split into space and time with M = {mid} channels between, it has {both}: {gap}. The rule gives M = {rule}.",
    "从 {inputs} 到 {outputs} 通道的 {kernel} 卷积有 {full} 个权重。拆成空间与时间、中间 M = {mid} 个通道，则有 {both} 个：{gap}。公式给出 M = {rule}。",
  ],
  convolutionFrom: ["Convolution", "卷积"],
  stem: ["stem", "第一层"],
  setTo: ["Set M to", "令 M 为"],
  byRule: ["the rule", "公式"],
  released: ["as released", "发布的代码"],
  perBlock: ["per block", "按块"],
  handle: ["Channels in the middle", "中间通道"],
  against: ["against {full}: {gap}", "对 {full}：{gap}"],
  ruleIs: [
    "M = ⌊t·d²·N_in·N_out / (d²·N_in + t·N_out)⌋ = ⌊{t}·{d2}·{inputs}·{outputs} / ({d2}·{inputs} + {t}·{outputs})⌋ = ⌊{exact}⌋ = {rule} (Tran et al., CVPR 2018, section 3.5).",
    "M = ⌊t·d²·N_in·N_out / (d²·N_in + t·N_out)⌋ = ⌊{t}·{d2}·{inputs}·{outputs} / ({d2}·{inputs} + {t}·{outputs})⌋ = ⌊{exact}⌋ = {rule}（Tran 等，CVPR 2018，3.5 节）。",
  ],
  budgets: ["3D: {full} weights; (2+1)D: {both} weights, on one scale", "3D：{full} 个权重；(2+1)D：{both} 个权重，同一比例"],
  budget3d: ["3D, {kernel}: {n} weights", "3D，{kernel}：{n} 个权重"],
  budget21d: ["(2+1)D: {n} weights", "(2+1)D：{n} 个权重"],
  inSpace: ["space", "空间"],
  inTime: ["time", "时间"],
  perBlockTitle: ["Per convolution or per block", "按卷积还是按块"],
  perBlockSay: [
    "The paper takes M from each convolution’s own ends. torchvision takes it once a block, from the block’s ends, and its R(2+1)D is smaller than R3D.",
    "论文按每个卷积自己的两端算 M；torchvision 按块的两端只算一次，因此它的 R(2+1)D 比 R3D 小。",
  ],
  secondConv: ["second", "第二个"],
  layer: ["layer", "层"],
  mPerConv: ["M per conv", "按卷积的 M"],
  mPerBlock: ["M per block", "按块的 M"],
  balanceTitle: ["The whole network’s balance, depth {depth}", "整个网络的账，深度 {depth}"],
  balanceSay: ["From R3D’s {from} parameters to R(2+1)D’s {to}: {gap}, and every one is accounted for.", "从 R3D 的 {from} 个参数到 R(2+1)D 的 {to} 个：{gap}，每一个都有出处。"],
  howMany: ["how many", "个数"],
  difference: ["difference", "差"],
  sum: ["sum", "合计"],
  closes: ["it closes", "账平"],
  stemWeights: ["stem weights, M = 45 at width 64", "第一层权重，宽 64 时 M = 45"],
  normBetween: ["BatchNorm between the halves", "两半之间的 BatchNorm"],
  weights: ["weights", "权重"],
};

/** Values that are themselves words. */
const SPOKEN = new Set(["more", "axis"]);

/**
 * A string in a language, filled in.
 * @param {"en"|"zh"} language @param {string} key @param {Record<string, string|number>} values
 */
export function speak(language, key, values = {}) {
  const text = WORDS[key]?.[language === "zh" ? 1 : 0];
  if (text === undefined) throw new Error(`no words for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => (SPOKEN.has(name) && values[name] in WORDS ? speak(language, values[name]) : values[name]));
}
