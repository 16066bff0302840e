/**
 * Names in widely copied JSON formats of HAProxy. Those of variables (`%Tr`) are case-sensitive, because `%tr` is the
 * time of the request; others are compared without case, separators and a prefix `haproxy`. The names of nested objects are
 * joined: `time.tw`.
 */
const NAMES = {
  time: "timestamp time ts timelocal timeiso8601 datetime date requestdate acceptdate requesttimestamp requesttime tr",
  client:
    "clientip networkclientip remoteaddr client clientaddr clientaddress remoteip srcip src sourceip ip",
  clientPort: "clientport networkclientport remoteport srcport sourceport",
  frontend: "frontend frontendname namefrontend fename frontendnametransport",
  backend: "backend backendname namebackend bename",
  server: "server servername nameserver srvname backendserver",
  serverAddress: "serverip srvip upstreamaddr backendserverip serveraddr backendip networkserverip",
  request: "request httprequest requestline rawrequest rawrequestline requestraw",
  method: "method requestmethod httpmethod verb httpverb",
  url: "uri requesturi url requesturl httpuri httprequesturi path requestpath httppath",
  query: "query querystring requestquery httpquery",
  version: "protocol requestprotocol httpversion requesthttpversion requestversion httpprotocol",
  status:
    "status statuscode responsestatuscode httpstatus httpstatuscode responsestatus responsecode httpcode",
  bytes: "bytesread bytes bytessent bytesout responsebytes responsesize bytesdownloaded",
  requestBytes: "bytesuploaded bytesreceived bytesin requestbytes requestsize uploaded",
  total:
    "timett timeta tt ta sessionduration totaltime timetotal duration sessiontime timeactive activetime totalduration timetotalactive timeduration",
  requestWait: "timetq timerequest requestwaittime tq timeclientreq clientreqtime",
  queueWait: "timetw tw timequeue queuetime queuewaittime timequeued timewait waittime",
  connectWait:
    "timetc tc timeconnect connecttime upstreamconnecttime serverwaittime timebackendconnect backendconnecttime",
  responseWait:
    "responsetime timeresponse timetr upstreamresponsetime serverresponsetime timebackendresponse backendresponsetime",
  state: "terminationstate requestterminationstate tsc terminationstatecookie termination",
  active:
    "connact actconn activeconnections processconcurrentconnections connectionsactive connactive ac",
  frontendConnections:
    "connfe feconn frontendconcurrentconnections connectionsfrontend frontendconnections fc",
  backendConnections:
    "connbe beconn backendconcurrentconnections connectionsbackend backendconnections bc",
  serverConnections:
    "connsrv srvconn serverconcurrentconnections connectionsserver serverconnections sc",
  retries: "retries serverconnectionretries rc connretries connectionsretries",
  serverQueue: "queuesrv serverqueue srvqueue queueserver sq",
  backendQueue: "queuebackend backendqueue bq",
  tlsVersion: "sslversion frontendsslversion sslv tlsversion sslprotocol",
  cipher: "sslciphers frontendsslciphers sslcipher sslc tlscipher ciphers",
  host: "requestheaderhost hostheader httphost requesthost reqhost hdrhost requestheadershost vhost domain",
  agent: "useragent requestheaderuseragent ua httpuseragent requestheadersuseragent agent",
  referrer: "referer requestheaderreferer httpreferer referrer requestheadersreferer",
  forwarded:
    "xforwardedfor xff requestheaderxforwardfor requestheaderxforwardedfor forwardedfor httpxforwardedfor",
  id: "requestid uniqueid xrequestid responseheaderxrequestid reqid",
  pid: "pid processid",
  process: "ident process program",
  hostName: "hostname",
} as const;

export type Name = keyof typeof NAMES;

const VARIABLES: ReadonlyMap<string, Name> = new Map(
  Object.entries({
    ci: "client",
    cp: "clientPort",
    ft: "frontend",
    f: "frontend",
    b: "backend",
    s: "server",
    si: "serverAddress",
    r: "request",
    HM: "method",
    HU: "url",
    HP: "url",
    HQ: "query",
    HV: "version",
    ST: "status",
    B: "bytes",
    U: "requestBytes",
    Ta: "total",
    Tt: "total",
    TR: "requestWait",
    Tq: "requestWait",
    Tw: "queueWait",
    Tc: "connectWait",
    Tr: "responseWait",
    tr: "time",
    t: "time",
    T: "time",
    Tl: "time",
    Ts: "time",
    ts: "state",
    ID: "id",
    H: "hostName",
  } satisfies Record<string, Name>),
);

const isName = (name: string): name is Name => Object.hasOwn(NAMES, name);

const BY_NAME: ReadonlyMap<string, Name> = new Map(
  Object.entries(NAMES).flatMap(([field, names]) =>
    isName(field) ? names.split(" ").map((name): [string, Name] => [name, field]) : [],
  ),
);

/** Names that only HAProxy's formats have. */
const OWN: ReadonlySet<Name> = new Set<Name>([
  "state",
  "frontend",
  "backend",
  "queueWait",
  "connectWait",
  "serverConnections",
  "backendConnections",
  "serverQueue",
  "backendQueue",
]);

export const isOwnName = (name: Name): boolean => OWN.has(name);

/** A number of milliseconds, no time since 1970. */
const MILLISECONDS = /^\+?-?\d{1,8}$/;

/** What a field of this dotted name is; undefined if it is unknown. The value distinguishes durations from times. */
export function haproxyName(dotted: string, value: string): Name | undefined {
  const last = dotted.slice(dotted.lastIndexOf(".") + 1);
  const isCased = dotted === last || last !== last.toLowerCase();
  const plain = dotted.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const name =
    (isCased ? VARIABLES.get(last) : undefined) ?? BY_NAME.get(plain.replace(/^haproxy/, ""));
  if (name !== "time" || !MILLISECONDS.test(value)) return name;
  return last === "tr" ? "responseWait" : "total";
}
