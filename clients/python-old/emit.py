"""The known trace of clients/README.md from OpenTelemetry Python 1.21.

usage: emit.py PROTOCOL ENDPOINT MARKER
PROTOCOL: jaeger-udp HOST:PORT, jaeger-grpc HOST:PORT, otlp-grpc HOST:PORT, and by URL
jaeger-http, otlp-http, zipkin-json, zipkin-proto.
"""

import importlib.metadata
import json
import sys

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode


def exporter(protocol, endpoint):
    if protocol == "jaeger-udp":
        from opentelemetry.exporter.jaeger.thrift import JaegerExporter

        host, port = endpoint.rsplit(":", 1)
        return JaegerExporter(agent_host_name=host, agent_port=int(port))
    if protocol == "jaeger-http":
        from opentelemetry.exporter.jaeger.thrift import JaegerExporter

        # Guides show credentials here; nobody checks them unless access control is on.
        url = endpoint + "/api/traces?format=jaeger.thrift"
        return JaegerExporter(collector_endpoint=url, username="user", password="secret")
    if protocol == "jaeger-grpc":
        from opentelemetry.exporter.jaeger.proto.grpc import JaegerExporter

        return JaegerExporter(collector_endpoint=endpoint, insecure=True)
    if protocol == "otlp-grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=endpoint, insecure=True)
    if protocol == "otlp-http":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=endpoint + "/v1/traces")
    if protocol == "zipkin-json":
        from opentelemetry.exporter.zipkin.json import ZipkinExporter

        return ZipkinExporter(endpoint=endpoint + "/api/v2/spans")
    if protocol == "zipkin-proto":
        from opentelemetry.exporter.zipkin.proto.http import ZipkinExporter

        return ZipkinExporter(endpoint=endpoint + "/api/v2/spans")
    sys.exit(f"no such protocol: {protocol}")


def known_trace(tracer, marker):
    """Makes the five spans, root first, and returns them."""
    root = tracer.start_span(
        "GET /checkout",
        kind=SpanKind.SERVER,
        attributes={
            "tw.marker": marker,
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "tw.bool": True,
            "tw.double": 0.25,
            "tw.text": "käse ✓",
            "tw.texts": ["a", "b"],
            "tw.ints": [1, 2],
        },
    )
    under_root = trace.set_span_in_context(root)
    charge = tracer.start_span("charge", context=under_root)
    charge.add_event("retry", {"attempt": 2, "jitter": 0.5, "final": False})
    under_charge = trace.set_span_in_context(charge)
    payment = tracer.start_span("POST payments", context=under_charge, kind=SpanKind.CLIENT)
    try:
        raise ValueError("card declined")
    except ValueError as error:
        payment.record_exception(error)
        payment.set_status(Status(StatusCode.ERROR, "card declined"))
    payment.end()
    charge.set_status(Status(StatusCode.OK))
    charge.end()
    publish = tracer.start_span("orders publish", context=under_root, kind=SpanKind.PRODUCER)
    publish.end()
    process = tracer.start_span(
        "orders process",
        context=trace.set_span_in_context(publish),
        kind=SpanKind.CONSUMER,
        links=[Link(payment.get_span_context(), {"tw.link": "cause"})],
    )
    process.end()
    root.end()
    return [root, charge, payment, publish, process]


def main():
    protocol, endpoint, marker = sys.argv[1:]
    service = f"python-old-{protocol}"
    provider = TracerProvider(resource=Resource.create({"service.name": service, "service.version": "1.2.3"}))
    provider.add_span_processor(BatchSpanProcessor(exporter(protocol, endpoint)))
    spans = known_trace(provider.get_tracer("known", "1.0"), marker)
    flushed = provider.force_flush()
    provider.shutdown()
    print(
        json.dumps(
            {
                "client": "opentelemetry-python",
                "version": importlib.metadata.version("opentelemetry-sdk"),
                "protocol": protocol,
                "service": service,
                "trace_id": format(spans[0].context.trace_id, "032x"),
                "flushed": flushed,
                "spans": [
                    {
                        "name": span.name,
                        "span_id": format(span.context.span_id, "016x"),
                        "parent_span_id": format(span.parent.span_id, "016x") if span.parent else None,
                    }
                    for span in spans
                ],
            }
        )
    )


main()
