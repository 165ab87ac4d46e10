#!@PYTHON@
"""Schema-only stand-in for a Terraform provider (go-plugin, tfplugin5, no TLS).
Answers GetSchema with the bytes of schema.bin beside it; accepts every config.
Enough for `terraform init` from a filesystem_mirror, `terraform validate`, and
`terraform test` with mock_provider. It has no enum/range checks and talks to no cloud.
Run terraform with TF_DISABLE_PLUGIN_TLS=1."""

import os
import sys
import tempfile
import threading
from concurrent import futures

import grpc

here = os.path.dirname(os.path.realpath(sys.argv[0]))
schema = open(os.path.join(here, "schema.bin"), "rb").read()
if not os.environ.get("PLUGIN_PROTOCOL_VERSIONS"):
    sys.exit("This is a plugin; terraform runs it.")
stop = threading.Event()


def vi(b, i):
    n = s = 0
    while True:
        c = b[i]
        i += 1
        n |= (c & 127) << s
        s += 7
        if c < 128:
            return n, i


def fields(b):
    i = 0
    o = {}
    while i < len(b):
        k, i = vi(b, i)
        if k & 7 == 2:
            l, i = vi(b, i)
            o[k >> 3] = b[i : i + l]
            i += l
        elif k & 7 == 0:
            o[k >> 3], i = vi(b, i)
        else:
            break
    return o


def evi(n):
    o = b""
    while True:
        c = n & 127
        n >>= 7
        if n:
            o += bytes([c | 128])
        else:
            return o + bytes([c])


def ld(f, x):
    return evi(f << 3 | 2) + evi(len(x)) + x


def echo(src, dst=1):
    def f(req):
        v = fields(req).get(src)
        return ld(dst, v) if v is not None else b""

    return f


P = "/tfplugin5.Provider/"
H = {
    P + "GetSchema": lambda r: schema,
    P + "PrepareProviderConfig": echo(1),
    P + "ValidateResourceTypeConfig": lambda r: b"",
    P + "ValidateDataSourceConfig": lambda r: b"",
    P + "Configure": lambda r: b"",
    P + "Stop": lambda r: b"",
    P + "ReadResource": echo(2),  # current_state -> new_state
    P + "PlanResourceChange": echo(3),  # proposed_new_state -> planned_state
    P + "ApplyResourceChange": echo(3),  # planned_state -> new_state
    P + "ReadDataSource": echo(2),  # config -> state
}


class Gen(grpc.GenericRpcHandler):
    def service(self, d):
        if d.method == "/plugin.GRPCController/Shutdown":

            def bye(r, c):
                stop.set()
                return b""

            return grpc.unary_unary_rpc_method_handler(bye)
        h = H.get(d.method)
        return grpc.unary_unary_rpc_method_handler(lambda r, c: h(r)) if h else None


srv = grpc.server(
    futures.ThreadPoolExecutor(8),
    handlers=[Gen()],
    options=[("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)],
)
sock = tempfile.mktemp(prefix="tfstub-", dir=os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or None)
srv.add_insecure_port("unix:" + sock)
srv.start()
print(f"1|5|unix|{sock}|grpc|", flush=True)
ppid = os.getppid()
while not stop.wait(1):
    if os.getppid() != ppid:
        break
srv.stop(0.1)
try:
    os.unlink(sock)
except OSError:
    pass
os._exit(0)
