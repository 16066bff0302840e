import { AppError } from "#platform/errors.ts";

/** What HAProxy reports, by the names in its headers: the order of columns differs between versions. */
export type Row = ReadonlyMap<string, string>;

export type ServerState = {
  backend: string;
  server: string;
  host: string;
  port: number;
  /** Taken out of service by a command or the configuration: no traffic and no checks. */
  isInMaintenance: boolean;
  /** No new requests. */
  isDraining: boolean;
  isUp: boolean;
  /** False before the first check since a start, when it counts as up without any. */
  isChecked: boolean;
};

/** Bits of srv_admin_state (include/haproxy/server-t.h): maintenance forced, inherited, or by DNS; drain likewise. */
const IN_MAINTENANCE = 0x01 | 0x02 | 0x20;
const IN_DRAIN = 0x08 | 0x10;
/** srv_op_state: 0 stopped, 1 starting (slowstart), 2 running, 3 stopping. */
const UP_STATES = [1, 2];
/** srv_check_result: 0 unknown, 1 neutral, 2 failed, 3 passed, 4 passed if it is not the last one. */
const NO_CHECK_RESULTS = [0, 1];

/** The reply of `show servers state`. @throws AppError unavailable if it is none */
export function parseServersState(reply: string): ServerState[] {
  const [version, header = "", ...lines] = reply.split("\n");
  if (version !== "1" || !header.startsWith("# ")) throw unreadable("show servers state", reply);
  const names = header.slice(2).split(" ");
  return lines
    .filter((line) => line !== "")
    .map((line) => serverOf(rowOf(names, line.split(" "), "show servers state")));
}

function serverOf(row: Row): ServerState {
  const number = (name: string): number => numberIn(row, name, "show servers state");
  const admin = number("srv_admin_state");
  return {
    backend: textIn(row, "be_name", "show servers state"),
    server: textIn(row, "srv_name", "show servers state"),
    host: textIn(row, "srv_addr", "show servers state"),
    port: number("srv_port"),
    // The bit of a server that was declared as disabled (4) stays when it is enabled.
    isInMaintenance: (admin & IN_MAINTENANCE) !== 0,
    // A drained server has no weight after a start.
    isDraining: (admin & IN_DRAIN) !== 0 || number("srv_uweight") === 0,
    isUp: UP_STATES.includes(number("srv_op_state")),
    isChecked: !NO_CHECK_RESULTS.includes(number("srv_check_result")),
  };
}

/** The rows of `show stat`. @throws AppError unavailable if it is none */
export function parseStat(reply: string): Row[] {
  const [header = "", ...lines] = reply.split("\n");
  if (!header.startsWith("# pxname,svname,")) throw unreadable("show stat", reply);
  const names = csvCells(header.slice(2));
  return lines
    .filter((line) => line !== "")
    .map((line) => rowOf(names, csvCells(line), "show stat"));
}

/** Current sessions by server, of one backend in `show stat`. */
export function sessionsByServer(rows: readonly Row[]): Map<string, number> {
  return new Map(
    rows.map((row) => [textIn(row, "svname", "show stat"), numberIn(row, "scur", "show stat")]),
  );
}

/** Values may be quoted, with quotes in them doubled. */
function csvCells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain = ""]) => quoted?.replaceAll('""', '"') ?? plain,
  );
}

/** The value in the reply of `get map`; undefined if the map lacks the key. @throws AppError unavailable */
export function parseMapEntry(reply: string): string | undefined {
  if (/, found=no\b/.test(reply)) return undefined;
  const value = /, value="(.*)", type="/.exec(reply)?.[1];
  if (value === undefined) throw unreadable("get map", reply);
  return value;
}

export type Processes = {
  /** The worker that accepts connections; undefined while there is none. */
  current: number | undefined;
  /** Workers of earlier configurations that still have sessions. */
  old: readonly number[];
  /** Reloads of the master that failed. */
  failedReloads: number;
};

/** The reply of `show proc` of a master. @throws AppError unavailable if it is none */
export function parseProcesses(reply: string): Processes {
  if (!reply.startsWith("#<PID>")) throw unreadable("show proc", reply);
  const workers = [...reply.matchAll(/^(\d+) +worker +(\d+)/gm)]
    .map(([, pid, reloads]) => ({ pid: Number(pid), reloads: Number(reloads) }))
    .toSorted((a, b) => a.reloads - b.reloads);
  // After a reload that failed there are old ones only, and the youngest goes on.
  const [current, ...old] = workers.map(({ pid }) => pid);
  const failed = /\[failed: (\d+)\]/.exec(reply)?.[1];
  return { current, old, failedReloads: Number(failed ?? 0) };
}

export type Session = { id: string; backend: string; server: string };

/** The sessions to servers in the reply of `show sess`. */
export function parseSessions(reply: string): Session[] {
  return reply.split("\n").flatMap((line) => {
    const found = /^(0x[0-9a-f]+): .*? be=(\S+) srv=(\S+) /.exec(line);
    const [, id = "", backend = "", server = ""] = found ?? [];
    return found === null || server === "<none>" ? [] : [{ id, backend, server }];
  });
}

function rowOf(names: readonly string[], cells: readonly string[], command: string): Row {
  if (cells.length < names.length) throw unreadable(command, cells.join(" "));
  return new Map(names.map((name, at) => [name, cells[at] ?? ""]));
}

function textIn(row: Row, name: string, command: string): string {
  const value = row.get(name);
  if (value === undefined) throw unreadable(command, `there is no ${name}`);
  return value;
}

function numberIn(row: Row, name: string, command: string): number {
  const value = textIn(row, name, command);
  if (!/^-?\d+$/.test(value)) throw unreadable(command, `${name} is "${value}"`);
  return Number(value);
}

const SHOWN_LENGTH_MAX = 200;

const unreadable = (command: string, reply: string): AppError =>
  new AppError(
    "unavailable",
    `The reply of HAProxy to "${command}" cannot be read: ${reply.slice(0, SHOWN_LENGTH_MAX)}`,
  );
