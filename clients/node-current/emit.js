// The known trace of clients/README.md from the current OpenTelemetry Node SDK (2.x API).
//
// usage: emit.js PROTOCOL ENDPOINT MARKER
// PROTOCOL: jaeger-udp, otlp-grpc, otlp-grpc-gzip HOST:PORT, and by URL jaeger-http, otlp-http-json,
// otlp-http-proto, zipkin-json; -gzip after an otlp-http one compresses it.
'use strict';

const { SpanKind, SpanStatusCode, context, trace } = require('@opentelemetry/api');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');

function exporter(protocol, endpoint) {
  const gzip = protocol.endsWith('-gzip');
  const compression = gzip ? 'gzip' : 'none';
  switch (gzip ? protocol.slice(0, -'-gzip'.length) : protocol) {
    case 'jaeger-udp': {
      const { JaegerExporter } = require('@opentelemetry/exporter-jaeger');
      const [host, port] = endpoint.split(':');
      return new JaegerExporter({ host, port: Number(port) });
    }
    case 'jaeger-http': {
      const { JaegerExporter } = require('@opentelemetry/exporter-jaeger');
      return new JaegerExporter({ endpoint: `${endpoint}/api/traces`, username: 'user', password: 'secret' });
    }
    case 'otlp-grpc': {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc');
      return new OTLPTraceExporter({ url: `http://${endpoint}`, compression });
    }
    case 'otlp-http-json': {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
      return new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, compression });
    }
    case 'otlp-http-proto': {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
      return new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, compression });
    }
    case 'zipkin-json': {
      const { ZipkinExporter } = require('@opentelemetry/exporter-zipkin');
      return new ZipkinExporter({ url: `${endpoint}/api/v2/spans` });
    }
    default:
      throw new Error(`no such protocol: ${protocol}`);
  }
}

// Makes the five spans and returns them, root first.
function knownTrace(tracer, marker) {
  const under = (span) => trace.setSpan(context.active(), span);
  const root = tracer.startSpan('GET /checkout', {
    kind: SpanKind.SERVER,
    attributes: {
      'tw.marker': marker,
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'tw.bool': true,
      'tw.double': 0.25,
      'tw.text': 'käse ✓',
      'tw.texts': ['a', 'b'],
      'tw.ints': [1, 2],
    },
  });
  const charge = tracer.startSpan('charge', {}, under(root));
  charge.addEvent('retry', { attempt: 2, jitter: 0.5, final: false });
  const payment = tracer.startSpan('POST payments', { kind: SpanKind.CLIENT }, under(charge));
  payment.recordException(new RangeError('card declined'));
  payment.setStatus({ code: SpanStatusCode.ERROR, message: 'card declined' });
  payment.end();
  charge.setStatus({ code: SpanStatusCode.OK });
  charge.end();
  const publish = tracer.startSpan('orders publish', { kind: SpanKind.PRODUCER }, under(root));
  publish.end();
  const process = tracer.startSpan(
    'orders process',
    {
      kind: SpanKind.CONSUMER,
      links: [{ context: payment.spanContext(), attributes: { 'tw.link': 'cause' } }],
    },
    under(publish),
  );
  process.end();
  root.end();
  return [root, charge, payment, publish, process];
}

// The package does not export its package.json, so the pin is read from the manifest beside this file.
function sdkVersion() {
  return require('./package.json').dependencies['@opentelemetry/sdk-node'];
}

async function main() {
  const [protocol, endpoint, marker] = process.argv.slice(2);
  const service = `node-current-${protocol}`;
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ 'service.name': service, 'service.version': '1.2.3' }),
    autoDetectResources: false,
    spanProcessors: [new BatchSpanProcessor(exporter(protocol, endpoint))],
  });
  sdk.start();
  const spans = knownTrace(trace.getTracer('known', '1.0'), marker);
  await sdk.shutdown();
  console.log(
    JSON.stringify({
      client: 'opentelemetry-node',
      version: sdkVersion(),
      protocol,
      service,
      trace_id: spans[0].spanContext().traceId,
      flushed: true,
      spans: spans.map((span) => ({
        name: span.name,
        span_id: span.spanContext().spanId,
        parent_span_id: span.parentSpanContext?.spanId ?? null,
      })),
    }),
  );
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
