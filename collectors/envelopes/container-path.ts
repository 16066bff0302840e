/** `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log`, as the kubelet names its links. */
const LINK = /\/[\w.-]+_[\w-]+_([\w-]+)-([0-9a-f]{64})\.log$/;
/** `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log`, and rotated ones. */
const POD = /\/[\w-]+_[\w.-]+_[0-9a-f-]{32,36}\/([\w-]+)\/\d+\.log[\w.-]*$/;
/** `/var/lib/docker/containers/ID/ID-json.log`. */
const DOCKER = /\/([0-9a-f]{64})\/\1-json\.log[\w.-]*$/;

/** The container whose output is in the file, if its path names it. */
export function containerOfPath(path: string): { name?: string; id?: string } | undefined {
  const link = LINK.exec(path);
  if (link) return { ...named(link[1]), ...(link[2] !== undefined && { id: link[2] }) };
  const pod = POD.exec(path);
  if (pod) return named(pod[1]);
  const id = DOCKER.exec(path)?.[1];
  return id === undefined ? undefined : { id };
}

const named = (name: string | undefined): { name?: string } => (name === undefined ? {} : { name });
