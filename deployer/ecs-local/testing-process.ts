import { silentLog } from "#platform/log.ts";

import { openEndpoint } from "./open-endpoint.ts";
import { SECOND_MS } from "./testing-second.ts";

/** An endpoint in a process of its own, which tests kill. Its arguments: the folder and the port. */
const [folder = "", port = "0"] = process.argv.slice(2);
const options = { folder, port: Number(port), log: silentLog(), secondMs: SECOND_MS };
const { address } = await openEndpoint(options);
process.stdout.write(`${JSON.stringify(address)}\n`);
