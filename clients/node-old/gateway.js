// The gateway of the small system: express with every instrumentation there is, as guides set it up,
// and the Jaeger exporter on the port of the agent.
//
// usage: gateway.js AGENT PORT BACKEND MARKER; prints what it sent at SIGTERM. Starting it makes some
// hundred spans of the file system in traces of their own: they are sent, too.
'use strict';

const { NodeSDK } = require('@opentelemetry/sdk-node');
const { Resource } = require('@opentelemetry/resources');
const { BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { JaegerExporter } = require('@opentelemetry/exporter-jaeger');
const { getNodeAutoInstrumentations } = require('@opentelemetry/auto-instrumentations-node');
const { SpanKind, SpanStatusCode, trace } = require('@opentelemetry/api');

const [agent, port, backend, marker] = process.argv.slice(2);

// Passes spans on to the real exporter and remembers those that it took.
class Told {
  constructor(exporter) {
    this.exporter = exporter;
    this.spans = [];
  }
  export(spans, done) {
    this.exporter.export(spans, (result) => {
      if (result.code === 0) this.spans.push(...spans);
      done(result);
    });
  }
  shutdown() {
    return this.exporter.shutdown();
  }
  forceFlush() {
    return this.exporter.forceFlush?.() ?? Promise.resolve();
  }
}

const [agentHost, agentPort] = agent.split(':');
const exporter = new Told(new JaegerExporter({ host: agentHost, port: Number(agentPort) }));
const sdk = new NodeSDK({
  resource: new Resource({ 'service.name': 'gateway' }),
  spanProcessor: new BatchSpanProcessor(exporter, { maxQueueSize: 65536 }),
  instrumentations: [getNodeAutoInstrumentations()],
});
sdk.start();

// Whatever is instrumented must be loaded after the SDK has started.
const http = require('http');
const express = require('express');

const app = express();
app.post('/order/:item', (request, response) => {
  trace.getActiveSpan()?.setAttribute('tw.marker', marker);
  const asked = http.request(`${backend}/orders/${request.params.item}`, { method: 'POST' }, (answer) => {
    response.status(answer.statusCode);
    answer.pipe(response);
  });
  asked.on('error', (error) => response.status(502).send(String(error)));
  asked.end();
});
const server = app.listen(Number(port), '127.0.0.1', () => console.log('ready'));

function told(span) {
  return {
    name: span.name,
    service: span.resource.attributes['service.name'],
    trace_id: span.spanContext().traceId,
    span_id: span.spanContext().spanId,
    parent_span_id: span.parentSpanId ?? null,
    kind: SpanKind[span.kind].toLowerCase(),
    error: span.status.code === SpanStatusCode.ERROR,
    attributes: Object.fromEntries(
      Object.entries(span.attributes).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)),
    ),
    events: span.events.map((event) => event.name),
  };
}

process.on('SIGTERM', async () => {
  server.close();
  await sdk.shutdown();
  const version = require('@opentelemetry/sdk-node/package.json').version;
  const line = { client: 'opentelemetry-node', version, protocol: 'jaeger-udp', marker, spans: exporter.spans.map(told) };
  process.stdout.write(JSON.stringify(line) + '\n', () => process.exit(0));
});
