/**
 * Names of the operators of Envoy's access log in its JSON formats: those of its documentation, Istio, Contour and Envoy
 * Gateway, without case and separators.
 */
const NAMES = {
  time: "starttime @timestamp timestamp time",
  method: "method requestmethod reqmethod",
  path: "path xenvoyoriginalpath xenvoyoriginpath requestpath reqpath uripath",
  protocol: "protocol",
  status: "responsecode",
  flags: "responseflags",
  details: "responsecodedetails",
  termination: "connectionterminationdetails",
  failure: "upstreamtransportfailurereason",
  received: "bytesreceived",
  sent: "bytessent",
  duration: "duration",
  upstreamTime: "upstreamservicetime xenvoyupstreamservicetime responsetime",
  forwarded: "xforwardedfor forwardedfor",
  agent: "useragent",
  id: "requestid xrequestid",
  authority: "authority",
  upstream: "upstreamhost",
  cluster: "upstreamcluster upstreamclusterraw",
  upstreamLocal: "upstreamlocaladdress",
  downstreamLocal: "downstreamlocaladdress",
  peer: "downstreamremoteaddress downstreamdirectremoteaddress downstreamremoteaddresswithoutport",
  serverName: "requestedservername",
  route: "routename",
  traceparent: "traceparent",
  trace: "traceid xb3traceid",
  span: "spanid xb3spanid",
} as const;

export type Name = keyof typeof NAMES;

const isName = (name: string): name is Name => Object.hasOwn(NAMES, name);

const BY_NAME: ReadonlyMap<string, Name> = new Map(
  Object.entries(NAMES).flatMap(([field, names]) =>
    isName(field) ? names.split(" ").map((name): [string, Name] => [name, field]) : [],
  ),
);

export const envoyName = (name: string): Name | undefined =>
  BY_NAME.get(name.toLowerCase().replaceAll(/[^a-z0-9@]/g, ""));
