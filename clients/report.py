"""Says on one line what a program sent: every span that reached its exporter."""

import importlib.metadata
import json

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class Told(SpanExporter):
    """Passes spans on to the real exporter and remembers those that it took."""

    def __init__(self, exporter):
        self.exporter = exporter
        self.spans = []

    def export(self, spans):
        result = self.exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.spans.extend(spans)
        return result

    def shutdown(self):
        self.exporter.shutdown()

    def line(self, protocol, marker):
        return json.dumps(
            {
                "client": "opentelemetry-python",
                "version": importlib.metadata.version("opentelemetry-sdk"),
                "protocol": protocol,
                "marker": marker,
                "spans": [told(span) for span in self.spans],
            }
        )


def told(span):
    return {
        "name": span.name,
        "service": span.resource.attributes["service.name"],
        "trace_id": format(span.context.trace_id, "032x"),
        "span_id": format(span.context.span_id, "016x"),
        "parent_span_id": format(span.parent.span_id, "016x") if span.parent else None,
        "kind": span.kind.name.lower(),
        "error": span.status.status_code.name == "ERROR",
        "attributes": {k: v for k, v in span.attributes.items() if isinstance(v, (str, bool, int, float))},
        "events": [event.name for event in span.events],
    }
