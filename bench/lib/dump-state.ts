import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";

/** What a reload with a server-state-file needs before it. `folder`: that of the HAProxy node. */
export async function dumpState(folder: string): Promise<void> {
  const socket = path.join(folder, "admin.sock");
  const connection = connect(socket);
  connection.end("show servers state\n");
  writeFileSync(`${socket}.state`, await text(connection));
}
