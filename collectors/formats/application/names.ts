/**
 * Names of fields in application logs: of pino, winston, bunyan, log4j2 and logback, zap, slog, structlog, Python's logging,
 * Serilog, Monolog, GELF, and of Google Cloud. Names without case and separators; the best of several in a line is first.
 */
const NAMES = {
  time: "@timestamp timestamp time ts asctime datetime date eventtime @t instant.epochsecond timemillis t timestampms",
  nanos: "instant.nanoofsecond",
  level: "levelname log.level severity severitytext loglevel level lvl @l levelstr levelno l at",
  message: "message msg @message @m @mt shortmessage body text event",
  logger: "logger loggername log.logger sourcecontext category channel component",
  name: "name",
  thread: "threadname thread process.thread.name",
  threadId: "threadid process.thread.id",
  pid: "pid processid process.pid process",
  processName: "processname process.name",
  host: "hostname host.name sourcehost host machinename",
  service: "service servicename service.name app application appname applicationname serviceid",
  version: "serviceversion service.version appversion",
  environment: "environment env service.environment deploymentenvironment",
  file: "caller source.file filename pathname file callerfile logging.googleapis.com/sourcelocation.file log.origin.file.name",
  fileLine:
    "lineno line source.line linenumber logging.googleapis.com/sourcelocation.line log.origin.file.line",
  function:
    "funcname func function source.function logging.googleapis.com/sourcelocation.function log.origin.function",
  errorType:
    "err.type error.type exception.class thrown.name exception.exceptionclass error.name err.name exception.type errortype exceptiontype exceptionclass error.kind",
  errorMessage:
    "err.message error.message exception.message thrown.message exception.exceptionmessage error err errormessage exceptionmessage errmsg",
  stack:
    "err.stack error.stack error.stacktrace exception.stacktrace thrown.extendedstacktrace stack stacktrace excinfo exception @x errorverbose fullmessage err.stacktrace errorstack",
  errorCode: "err.code error.code exception.code errorcode",
  traceContext:
    "traceparent httptraceparent req.headers.traceparent headers.traceparent request.headers.traceparent b3 httpb3 req.headers.b3 headers.b3 xamzntraceid httpxamzntraceid req.headers.xamzntraceid headers.xamzntraceid",
  trace: "trace.id traceid dd.traceid oteltraceid xb3traceid logging.googleapis.com/trace trace",
  span: "span.id spanid dd.spanid otelspanid xb3spanid logging.googleapis.com/spanid span",
  transaction: "transaction.id transactionid",
  requestId:
    "requestid reqid req.id http.request.id xrequestid request.id correlationid httprequestid req.headers.xrequestid",
  method:
    "method req.method http.method http.request.method request.method requestmethod httprequest.requestmethod httpmethod verb",
  url: "url req.url url.original http.url http.target request.url request.uri uri requesturi path url.path http.path httprequest.requesturl requestpath",
  status:
    "status res.statuscode http.status http.statuscode http.response.statuscode statuscode response.status response.statuscode responsestatus responsecode httpstatus httpstatuscode httprequest.status code",
  durationMs:
    "responsetime durationms latencyms elapsedms tookms responsetimems elapsedmilliseconds duration.ms",
  duration: "duration latency elapsed took httprequest.latency latencyhuman",
  client:
    "req.remoteaddress remoteip clientip remoteaddr remoteaddress client.ip source.ip source.address ip httprequest.remoteip peer remote",
  clientPort: "req.remoteport remoteport clientport source.port",
  agent:
    "useragent req.headers.useragent useragent.original http.useragent httprequest.useragent request.headers.useragent",
  referrer:
    "referer referrer req.headers.referer http.referer http.request.referrer httprequest.referer",
  domain: "req.headers.host url.domain vhost",
  bytes:
    "bytes bodysize responsesize bytesout contentlength http.response.body.bytes res.contentlength httprequest.responsesize res.headers.contentlength",
  userId: "userid user.id uid",
  userName: "username user.name user",
  sessionId: "sessionid session.id",
} as const;

export type Role = keyof typeof NAMES;

type Known = { role: Role; rank: number };

const isRole = (name: string): name is Role => Object.hasOwn(NAMES, name);

const BY_NAME: ReadonlyMap<string, Known> = new Map(
  Object.entries(NAMES).flatMap(([role, names]) =>
    isRole(role)
      ? names.split(" ").map((name, rank): [string, Known] => [name, { role, rank }])
      : [],
  ),
);

/** What was found for names: lines have the same names again and again. Emptied when it has this many. */
const CACHED_MAX = 4096;
const cached = new Map<string, Known | null>();

/** What a field of this dotted name is, and how it ranks among names of the same role: the lowest is the best. */
export function roleOf(name: string): Known | undefined {
  let known = cached.get(name);
  if (known === undefined) {
    known = BY_NAME.get(name.toLowerCase().replaceAll(/[^a-z0-9.@/]/g, "")) ?? null;
    if (cached.size >= CACHED_MAX) cached.clear();
    if (name.length <= 128) cached.set(name, known);
  }
  return known ?? undefined;
}
