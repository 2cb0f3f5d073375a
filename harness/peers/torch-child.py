"""The child of the `torch` peer: one case at a time, driven over standard input and output, timed in here.

A message is a little-endian u32 (length of the header), the header as JSON, and as many bytes as its field `bytes` says.
Not named torch.py: Python would import it in place of the library.

Verbs: open {threads} -> {versions, gflops}; prepare {kind, problem, sizes} + operands -> {}; run {iterations} -> {ns}; read -> {} + result; close.
"""

import json
import re
import struct
import sys
import time


def receive():
    prefix = sys.stdin.buffer.read(4)
    if len(prefix) < 4:
        sys.exit(0)
    header = json.loads(sys.stdin.buffer.read(struct.unpack("<I", prefix)[0]))
    return header, bytearray(sys.stdin.buffer.read(header.get("bytes", 0)))


def send(header, payload=b""):
    text = json.dumps({**header, "bytes": len(payload)}).encode()
    sys.stdout.buffer.write(struct.pack("<I", len(text)) + text + bytes(payload))
    sys.stdout.buffer.flush()


def configuration(torch):
    """The build configuration on one line, without the compiler's flags, which fill a page."""
    text = re.sub(r"CXX_FLAGS=.*?, (?=[A-Z_]+=)", "", torch.__config__.show(), flags=re.DOTALL)
    return "; ".join(part.strip(" ,\n") for part in text.split("\n  - "))


def pillow():
    """Versions of Pillow and its JPEG library; none where it is not installed."""
    try:
        from PIL import Image, features
    except ImportError:
        return {}
    return {"pillow": Image.__version__, "libjpeg-turbo": features.version("libjpeg_turbo") or "none"}


def probe(torch, n=1024):
    """GFLOP/s of a plain product: what tells an optimised BLAS from the reference one."""
    a, b = torch.rand(n, n), torch.rand(n, n)
    torch.mm(a, b)
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter_ns()
        torch.mm(a, b)
        best = min(best, time.perf_counter_ns() - began)
    return 2 * n**3 / best


def tensors(torch, sizes, payload):
    """The operands by name, flat, without a copy."""
    operands, offset = {}, 0
    for name, count in sizes.items():
        operands[name] = torch.frombuffer(payload, dtype=torch.float32, count=count, offset=offset)
        offset += 4 * count
    return operands


class Product:
    """A case of kind gemm."""

    def __init__(self, torch, asked, operands):
        self.torch, self.problem = torch, asked["problem"]
        problem = self.problem
        batch, m, n, k = (problem[name] for name in ("batch", "m", "n", "k"))
        # Views, not copies: BLAS takes a transposed operand as it lies.
        a = operands["A"].view(batch, k, m).transpose(1, 2) if problem["transposeA"] else operands["A"].view(batch, m, k)
        b = operands["B"].view(batch, n, k).transpose(1, 2) if problem["transposeB"] else operands["B"].view(batch, k, n)
        self.a, self.b = (a[0], b[0]) if batch == 1 else (a, b)
        self.bias = operands.get("bias")
        self.result = None

    def run(self):
        torch, alpha = self.torch, self.problem["alpha"]
        if self.bias is not None:
            multiply = torch.addmm if self.a.dim() == 2 else torch.baddbmm
            c = multiply(self.bias, self.a, self.b, alpha=alpha)
        else:
            c = torch.matmul(self.a, self.b)
            if alpha != 1:
                c.mul_(alpha)
        self.result = c.relu_() if self.problem["epilogue"]["relu"] else c


class Convolution:
    """A case of kind conv: the forward pass with its epilogue, or one of the gradients."""

    def __init__(self, torch, asked, operands):
        self.torch, self.problem = torch, asked["problem"]
        axes = [self.problem["vertical"], self.problem["horizontal"]]
        self.options = {
            "stride": [axis["stride"] for axis in axes],
            "padding": [axis["before"] for axis in axes],
            "dilation": [axis["dilation"] for axis in axes],
            "groups": self.problem["groups"],
        }
        shapes = asked["shapes"]
        self.operands = {name: values.view(shapes[name]) for name, values in operands.items()}
        # A gradient is told the shape of what it is the gradient of by a tensor whose values it does not read.
        for name in ("input", "filter"):
            self.operands.setdefault(name, torch.zeros(shapes[name]))
        self.result = None

    def run(self):
        given, options = self.operands, self.options
        if self.problem["pass"] == "forward":
            y = self.torch.nn.functional.conv2d(given["input"], given["filter"], given.get("bias"), **options)
            if "residual" in given:
                y.add_(given["residual"])
            self.result = y.relu_() if self.problem["epilogue"]["relu"] else y
            return
        wanted = [self.problem["pass"] == "input-grad", self.problem["pass"] == "filter-grad", False]
        gradients = self.torch.ops.aten.convolution_backward(
            given["outputGrad"],
            given["input"],
            given["filter"],
            None,
            options["stride"],
            options["padding"],
            options["dilation"],
            False,
            [0, 0],
            options["groups"],
            wanted,
        )
        self.result = gradients[0] if wanted[0] else gradients[1]


class TrainStep:
    """A case of kind train-step, as its users write it: forward, loss, backward, optimizer."""

    def __init__(self, torch, asked, operands):
        self.torch, training = torch, asked["training"]
        self.layers = training["layers"]
        values = {name: flat.view(asked["shapes"][name]) for name, flat in operands.items()}
        self.x, self.y = values.pop("x"), values.pop("y")
        functional = torch.nn.functional
        self.loss = functional.mse_loss
        if training["loss"] == "crossEntropy":
            self.loss, self.y = functional.cross_entropy, self.y.long()
        self.parameters = {name: value.clone().requires_grad_() for name, value in values.items()}
        self.optimizer = torch.optim.SGD(self.parameters.values(), lr=training["rate"])
        self.result = None

    def forward(self, x):
        torch, functional = self.torch, self.torch.nn.functional
        for i, layer in enumerate(self.layers):
            kind, weight, bias = layer["kind"], self.parameters.get(f"{i}.weight"), self.parameters.get(f"{i}.bias")
            if kind == "linear":
                x = torch.mm(x, weight) if bias is None else torch.addmm(bias, x, weight)
            elif kind == "conv2d":
                x = functional.conv2d(x, weight, bias, padding=layer["padding"])
            elif kind == "maxPool2d":
                x = functional.max_pool2d(x, layer["window"])
            elif kind == "flatten":
                x = x.flatten(1)
            else:
                x = functional.relu(x)
        return x

    def run(self):
        with self.torch.enable_grad():
            loss = self.loss(self.forward(self.x), self.y)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
        self.result = loss.detach()


class Net:
    """A case of kind model: its ops one after another. What nobody else reads is overwritten, as torchvision's nets do."""

    def __init__(self, torch, asked, operands):
        self.torch, self.graph = torch, asked["graph"]
        shapes = self.graph["inputs"]
        self.inputs = {name: values.view(shapes.get(name, [-1])) for name, values in operands.items()}
        self.last = {}
        for i, op in enumerate(self.graph["ops"]):
            for name in op["operands"]:
                self.last[name] = i
        self.parameters = [self.inputs[name].requires_grad_(True) for name in self.graph["parameters"]]
        self.classes = self.inputs["classes"].long() if self.parameters else None
        self.result = None

    def convolution(self, op, x, weight, *rest):
        window, residual = op["window"], op.get("residual", False)
        bias = rest[0] if len(rest) > residual else None
        top, left, bottom, right = window["pads"]
        if (top, left) != (bottom, right):
            x, top, left = self.torch.nn.functional.pad(x, (left, right, top, bottom)), 0, 0
        y = self.torch.nn.functional.conv2d(
            x, weight, bias, window["stride"], (top, left), window["dilation"], window["groups"]
        )
        return y.add_(rest[-1]) if residual else y

    def pool(self, op, x):
        functional, window = self.torch.nn.functional, op["window"]
        top, left, bottom, right = window["pads"]
        # Windows that reach beyond the last row and column are what PyTorch's ceil_mode is.
        beyond = (top, left) != (bottom, right)
        if op["op"] == "maxPool2d":
            y = functional.max_pool2d(x, window["size"], window["stride"], (top, left), window["dilation"], ceil_mode=beyond)
        else:
            y = functional.avg_pool2d(x, window["size"], window["stride"], (top, left))
        if list(y.shape) != op["shape"]:
            raise ValueError(f"a pool made {list(y.shape)}, expected {op['shape']}")
        return y

    def apply(self, op, *operands):
        torch, name, x = self.torch, op["op"], operands[0]
        if name == "conv2d":
            y = self.convolution(op, *operands)
        elif name == "matmul":
            y = torch.nn.functional.linear(x, *operands[1:])
        elif name in ("maxPool2d", "avgPool2d"):
            return self.pool(op, x)
        elif name == "standardize":
            return torch.nn.functional.batch_norm(x, None, None, *operands[1:], training=True, eps=op["epsilon"])
        elif name == "reshape":
            return x.reshape(op["shape"])
        elif name == "mean":
            return x.mean(op["axes"], keepdim=op["keepDims"])
        elif name == "relu":
            return x.relu_() if op["inPlace"] else x.relu()
        elif name == "add" and op["inPlace"]:
            return x.add_(operands[1])
        else:
            return getattr(torch, name)(*operands)
        return y.relu_() if op.get("relu") else y

    def run(self):
        if not self.parameters:
            self.result = self.forward()
            return
        with self.torch.enable_grad():
            for parameter in self.parameters:
                parameter.grad = None
            loss = self.torch.nn.functional.cross_entropy(self.forward(), self.classes)
            loss.backward()
        self.result = self.torch.cat([loss.detach().reshape(1), self.parameters[0].grad.flatten()])

    def forward(self):
        values = dict(self.inputs)
        for i, op in enumerate(self.graph["ops"]):
            given = [values[name] if isinstance(name, str) else name for name in op["operands"]]
            values[op["output"]] = self.apply(op, *given)
            for name in op["operands"]:
                if self.last[name] == i:
                    values.pop(name, None)
        return values[self.graph["output"]]


def pictures(torch, asked):
    """The files of a case as a dataset, written as PyTorch's users do: Pillow decodes and resizes, then what torchvision's ToTensor does."""
    import numpy
    from PIL import Image

    shorter, size = asked["shorter"], asked["size"]

    class Pictures(torch.utils.data.Dataset):
        def __len__(self):
            return len(asked["files"])

        def __getitem__(self, index):
            with Image.open(asked["files"][index]) as file:
                image = file.convert("RGB")
            width, height = image.size
            if width <= height:
                image = image.resize((shorter, int(shorter * height / width)), Image.BILINEAR)
            else:
                image = image.resize((int(shorter * width / height), shorter), Image.BILINEAR)
            left, top = round((image.width - size) / 2), round((image.height - size) / 2)
            image = image.crop((left, top, left + size, top + size))
            pixels = torch.from_numpy(numpy.array(image, copy=True)).permute(2, 0, 1).contiguous()
            return pixels.to(torch.float32).div(255), index

    return Pictures()


class Loading:
    """A case of kind loader: a pass over the files a call, by workers that stay."""

    def __init__(self, torch, asked, operands):
        import torch.utils.data

        workers = asked["workers"]
        ahead = {"prefetch_factor": asked["prefetch"], "persistent_workers": True} if workers else {}
        self.loader = torch.utils.data.DataLoader(pictures(torch, asked), asked["batch"], num_workers=workers, **ahead)
        self.result = None

    def run(self):
        first = None
        for pixels, _ in self.loader:
            first = pixels if first is None else first
        self.result = first


KINDS = {"gemm": Product, "conv": Convolution, "train-step": TrainStep, "model": Net, "loader": Loading}


def main():
    case = torch = None
    while True:
        header, payload = receive()
        verb = header["verb"]
        try:
            if verb == "open":
                import torch as library

                torch = library
                torch.set_grad_enabled(False)
                torch.set_num_threads(header["threads"])
                versions = {"torch": torch.__version__, "python": sys.version.split()[0], "configuration": configuration(torch)}
                versions.update(pillow())
                send({"versions": versions, "gflops": probe(torch)})
            elif verb == "prepare":
                case = KINDS[header["kind"]](torch, header, tensors(torch, header["sizes"], payload))
                send({})
            elif verb == "run":
                began = time.perf_counter_ns()
                for _ in range(header["iterations"]):
                    case.run()
                send({"ns": (time.perf_counter_ns() - began) / header["iterations"]})
            elif verb == "read":
                send({}, case.result.contiguous().numpy().tobytes())
            else:
                sys.exit(0)
        except Exception as error:  # whatever went wrong is for the other side to report
            send({"error": f"{type(error).__name__}: {error}"})


main()
