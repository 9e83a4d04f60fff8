"""What the services of the small system in this folder begin with: a tracer that reports, and an end.

Their shape is the one of the guides: Jaeger exporter, batch processor, spans flushed at SIGTERM.
"""

import signal
import sys
import threading

from opentelemetry import trace
from opentelemetry.exporter.jaeger.thrift import JaegerExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from report import Told


def traced(name, agent):
    """Makes the process's tracer for the service `name`, sending to the UDP address `agent`."""
    host, port = agent.rsplit(":", 1)
    exporter = Told(JaegerExporter(agent_host_name=host, agent_port=int(port)))
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider, exporter


def until_told_to_stop(provider, exporter, marker=""):
    """Waits for SIGTERM, flushes, and prints what was sent."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("ready", flush=True)
    stop.wait()
    provider.shutdown()
    print(exporter.line("jaeger-udp", marker), flush=True)
    sys.exit(0)


def served(app, address):
    """Serves the Flask `app` on `address` from a thread."""
    from werkzeug.serving import make_server

    host, port = address.rsplit(":", 1)
    server = make_server(host, int(port), app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
