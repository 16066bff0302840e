import { createSocket } from "node:dgram";
import { once } from "node:events";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";

import type { SourceEntry } from "#collectors/configured/edit-sources.ts";
import { filesKind } from "#collectors/configured/files-kind.ts";
import { SOURCE_KINDS } from "#collectors/configured/kinds.ts";
import { FORMATS } from "#collectors/formats/index.ts";
import type { Listener } from "#collectors/sources/listeners/listener.ts";
import { readFormats } from "#collectors/user-formats/formats-file.ts";
import { AppError, errorCode, type FieldError } from "#platform/errors.ts";

const PORTS_TRIED = 20;
const PORT_MAX = 65_535;
const WILDCARD = /[*?[{]/;

/**
 * Checks what only the machine can tell: that ports are free, and that folders may be read. `before`: the entry as it is in
 * use, whose own port is not free. An entry that its schema refuses passes. @throws AppError with the fields and what to do
 */
export async function checkEntry(
  entry: SourceEntry,
  { dataFolder, before }: { dataFolder: string; before?: Listener | undefined },
): Promise<void> {
  const kind = SOURCE_KINDS.find((it) => it.kind === entry.kind);
  const { format, ...own } = entry.properties;
  const properties = kind?.schema.safeParse(own);
  if (!kind || !properties?.success) return;
  const listener = kind.listener?.(properties.data, entry.id);
  const problems = [
    ...(listener ? await listenerProblems(listener, before) : []),
    ...(kind.kind === filesKind.kind
      ? await pathProblems(filesKind.schema.parse(properties.data).paths)
      : []),
  ];
  const name = typeof format === "string" ? format : undefined;
  if (name !== undefined && !(await formatNames(dataFolder)).includes(name)) {
    problems.push(problemOf("format", `there is no format ${name}: choose another one, or add it`));
  }
  const [first] = problems;
  if (first) throw new AppError("bad_request", first.message, { fields: problems });
}

/** The formats that may be chosen: those of users first. */
export async function formatNames(dataFolder: string): Promise<string[]> {
  const read = await readFormats(dataFolder);
  const own = read.ok ? read.entries.map(({ name }) => name) : [];
  return [...own, ...FORMATS.map(({ dataset }) => dataset)];
}

const problemOf = (name: string, message: string): FieldError => ({
  path: `body.properties.${name}`,
  code: "invalid",
  message,
});

async function listenerProblems(
  { protocol, listenOn }: Listener,
  before: Listener | undefined,
): Promise<FieldError[]> {
  if ("path" in listenOn) return folderProblems(path.dirname(listenOn.path));
  const bind = protocol.endsWith("+udp") ? bindUdp : bindTcp;
  const { host, port } = listenOn;
  if (before?.protocol === protocol && "port" in before.listenOn && before.listenOn.port === port) {
    return [];
  }
  const code = await bind(host, port);
  switch (code) {
    case undefined:
      return [];
    case "EADDRINUSE": {
      const free = await freePort(bind, host, port);
      const example = free === undefined ? "" : `, for example ${free}`;
      return [problemOf("port", `port ${port} is in use: choose another one${example}`)];
    }
    case "EACCES":
      return [
        problemOf("port", `Quarterdeck may not use port ${port}: choose one from 1024 to 65535`),
      ];
    case "EADDRNOTAVAIL":
      return [problemOf("address", `${host} is no address of this machine: try 0.0.0.0`)];
    default:
      return [problemOf("port", `port ${port} of ${host} cannot be used (${code})`)];
  }
}

type Bind = (host: string, port: number) => Promise<string | undefined>;

/** The code of the error if it cannot listen. */
const bindTcp: Bind = async (host, port) => {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
    const closed = once(server, "close");
    server.close();
    await closed;
    return undefined;
  } catch (error) {
    return errorCode(error) ?? String(error);
  }
};

const bindUdp: Bind = async (host, port) => {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    socket.bind(port, host);
    await once(socket, "listening");
    return undefined;
  } catch (error) {
    return errorCode(error) ?? String(error);
  } finally {
    socket.close();
  }
};

async function freePort(bind: Bind, host: string, taken: number): Promise<number | undefined> {
  const last = Math.min(PORT_MAX, taken + PORTS_TRIED);
  for (let port = taken + 1; port <= last; port += 1) {
    if ((await bind(host, port)) === undefined) return port;
  }
  return undefined;
}

async function folderProblems(folder: string): Promise<FieldError[]> {
  try {
    await access(folder, constants.W_OK);
    return [];
  } catch (error) {
    const message =
      errorCode(error) === "ENOENT"
        ? `there is no folder ${folder}: create it, or choose another path`
        : `Quarterdeck may not create files in ${folder}: choose another path, or grant its user write access`;
    return [problemOf("path", message)];
  }
}

/** Files may be created later, but a folder is no log, and what may not be read will never be. */
async function pathProblems(paths: readonly string[]): Promise<FieldError[]> {
  const problems = await Promise.all(
    paths.map(async (pattern, index): Promise<FieldError[]> => {
      const place = existingPart(pattern);
      try {
        await access(place, constants.R_OK);
        const isFolder = (await stat(place)).isDirectory();
        if (!isFolder || WILDCARD.test(pattern)) return [];
        const message = `${pattern} is a folder: name its files, for example ${path.join(pattern, "*.log")}`;
        return [problemOf(`paths.${index}`, message)];
      } catch (error) {
        if (errorCode(error) !== "EACCES") return [];
        const message = `Quarterdeck may not read ${place}: grant its user read access`;
        return [problemOf(`paths.${index}`, message)];
      }
    }),
  );
  return problems.flat();
}

/** The path itself; of a pattern the folder before its first wildcard. */
function existingPart(pattern: string): string {
  const at = pattern.search(WILDCARD);
  return at < 0 ? pattern : path.dirname(`${pattern.slice(0, at)}x`);
}
