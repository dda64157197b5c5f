import logging

from serving.cloud.server import Server, ServerOptions


def test_a_server_leaves_the_logging_of_the_program_around_it_alone():
    class Handler(logging.Handler):
        closed = False

        def close(self):
            self.closed = True
            super().close()

    handler = Handler()
    server = Server(dict, ServerOptions(rest_api_port=0, grpc_port=None))
    server._socket.close()
    assert not handler.closed
