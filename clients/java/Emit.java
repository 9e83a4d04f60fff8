import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.exporter.zipkin.ZipkinSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import zipkin2.reporter.Encoding;
import zipkin2.reporter.SpanBytesEncoder;
import zipkin2.reporter.okhttp3.OkHttpSender;

/**
 * The known trace of clients/README.md from the OpenTelemetry Java SDK.
 *
 * <p>usage: java -cp 'lib/*' Emit.java PROTOCOL ENDPOINT MARKER; PROTOCOL is otlp-grpc, otlp-grpc-gzip
 * HOST:PORT, or by URL otlp-http, otlp-http-gzip, zipkin-json, zipkin-proto. Zipkin is always gzip.
 */
public class Emit {
  static SpanExporter exporter(String protocol, String endpoint) {
    String compression = protocol.endsWith("-gzip") ? "gzip" : "none";
    return switch (protocol.replace("-gzip", "")) {
      case "otlp-grpc" ->
          OtlpGrpcSpanExporter.builder().setEndpoint("http://" + endpoint).setCompression(compression).build();
      case "otlp-http" ->
          OtlpHttpSpanExporter.builder().setEndpoint(endpoint + "/v1/traces").setCompression(compression).build();
      case "zipkin-json" -> ZipkinSpanExporter.builder().setEndpoint(endpoint + "/api/v2/spans").build();
      case "zipkin-proto" ->
          ZipkinSpanExporter.builder()
              .setSender(
                  OkHttpSender.newBuilder().endpoint(endpoint + "/api/v2/spans").encoding(Encoding.PROTO3).build())
              .setEncoder(SpanBytesEncoder.PROTO3)
              .build();
      default -> throw new IllegalArgumentException("no such protocol: " + protocol);
    };
  }

  /** Makes the five spans and returns them, root first. */
  static List<Span> knownTrace(Tracer tracer, String marker) {
    Span root =
        tracer
            .spanBuilder("GET /checkout")
            .setSpanKind(SpanKind.SERVER)
            .setNoParent()
            .setAttribute("tw.marker", marker)
            .setAttribute("http.request.method", "GET")
            .setAttribute("http.response.status_code", 200)
            .setAttribute("tw.bool", true)
            .setAttribute("tw.double", 0.25)
            .setAttribute("tw.text", "k\u00e4se \u2713")
            .setAttribute(AttributeKey.stringArrayKey("tw.texts"), List.of("a", "b"))
            .setAttribute(AttributeKey.longArrayKey("tw.ints"), List.of(1L, 2L))
            .startSpan();
    Context underRoot = Context.root().with(root);
    Span charge = tracer.spanBuilder("charge").setParent(underRoot).startSpan();
    charge.addEvent("retry", Attributes.builder().put("attempt", 2).put("jitter", 0.5).put("final", false).build());
    Span payment =
        tracer
            .spanBuilder("POST payments")
            .setParent(underRoot.with(charge))
            .setSpanKind(SpanKind.CLIENT)
            .startSpan();
    payment.recordException(new IllegalStateException("card declined"));
    payment.setStatus(StatusCode.ERROR, "card declined");
    payment.end();
    charge.setStatus(StatusCode.OK);
    charge.end();
    Span publish =
        tracer.spanBuilder("orders publish").setParent(underRoot).setSpanKind(SpanKind.PRODUCER).startSpan();
    publish.end();
    Span process =
        tracer
            .spanBuilder("orders process")
            .setParent(underRoot.with(publish))
            .setSpanKind(SpanKind.CONSUMER)
            .addLink(payment.getSpanContext(), Attributes.builder().put("tw.link", "cause").build())
            .startSpan();
    process.end();
    root.end();
    return List.of(root, charge, payment, publish, process);
  }

  static String json(Span span) {
    ReadableSpan made = (ReadableSpan) span;
    String parent = made.getParentSpanContext().isValid() ? "\"" + made.getParentSpanContext().getSpanId() + "\"" : "null";
    return String.format(
        "{\"name\":\"%s\",\"span_id\":\"%s\",\"parent_span_id\":%s}",
        made.getName(), made.getSpanContext().getSpanId(), parent);
  }

  public static void main(String[] arguments) {
    String protocol = arguments[0];
    String service = "java-" + protocol;
    SdkTracerProvider provider =
        SdkTracerProvider.builder()
            .addSpanProcessor(BatchSpanProcessor.builder(exporter(protocol, arguments[1])).build())
            .setResource(
                Resource.getDefault()
                    .merge(
                        Resource.create(
                            Attributes.builder().put("service.name", service).put("service.version", "1.2.3").build())))
            .build();
    List<Span> spans = knownTrace(provider.get("known", "1.0"), arguments[2]);
    boolean flushed = provider.forceFlush().join(15, TimeUnit.SECONDS).isSuccess();
    provider.shutdown().join(5, TimeUnit.SECONDS);
    String version = Resource.getDefault().getAttribute(AttributeKey.stringKey("telemetry.sdk.version"));
    System.out.printf(
        "{\"client\":\"opentelemetry-java\",\"version\":\"%s\",\"protocol\":\"%s\",\"service\":\"%s\","
            + "\"trace_id\":\"%s\",\"flushed\":%b,\"spans\":[%s]}%n",
        version,
        protocol,
        service,
        spans.get(0).getSpanContext().getTraceId(),
        flushed,
        spans.stream().map(Emit::json).collect(Collectors.joining(",")));
    System.exit(0);
  }
}
