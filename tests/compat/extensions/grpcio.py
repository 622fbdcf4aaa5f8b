from concurrent import futures

import grpc


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/test/Reverse":
            return grpc.unary_unary_rpc_method_handler(lambda request, context: request[::-1])
        if details.method == "/test/Count":
            return grpc.unary_stream_rpc_method_handler(lambda request, context: (b"%d" % i for i in range(int(request))))
        return None


def work():
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert channel.unary_unary("/test/Reverse")(b"abc" * 1000, timeout=30) == b"cba" * 1000
        assert len(list(channel.unary_stream("/test/Count")(b"20", timeout=30))) == 20
        try:
            channel.unary_unary("/test/None")(b"", timeout=30)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNIMPLEMENTED
        else:
            raise AssertionError("a method that does not exist answered")
    server.stop(None).wait()
