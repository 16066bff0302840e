import { BanRequest } from "#dashboards/deploys/requests.ts";
import { AppError } from "#platform/errors.ts";

import type { Command } from "../command.ts";
import { type Options, parseOptions } from "../options.ts";
import { TEMPLATE_ACTIONS } from "./edge-template.ts";
import { EXIT, withExitCodes } from "./exit-codes.ts";
import { type Client, CLIENT_HELP, CLIENT_OPTIONS, reasonIn, withClient } from "./open-client.ts";

export const edgeCommand: Command = {
  name: "edge",
  summary: "Change the configuration of the edge, and remove responses from its caches",
  help: `quarterdeck edge config show [--version N]
quarterdeck edge config check FILE
quarterdeck edge config diff FILE [--version N]
quarterdeck edge config apply FILE --reason TEXT [--base N]
quarterdeck edge config versions
quarterdeck edge config rollback N --reason TEXT
quarterdeck edge ban url HOST URL [--reason TEXT]
quarterdeck edge ban tag TAG [--reason TEXT]
quarterdeck edge ban release SERVICE RELEASE [--reason TEXT]

The configuration of HAProxy is a template. A new one is checked for each node, by HAProxy too, and then the first node alone gets it. All
nodes have it then, or all have the former one again: the command waits until that is so. Version 0 is the template that Quarterdeck
brings. - instead of FILE is the standard input.

  --version N     instead of the current version
  --base N        only if N is still the current version
  --reason TEXT   why, for the list of versions and the audit log
${CLIENT_HELP}

Exit status: 0 applied, or correct, or the same; 1 the texts differ (diff), or another failure; 2 wrong arguments; 3 went back: no node
has it; 5 refused: not allowed, wrong, or a deploy is under way; 7 Quarterdeck cannot be reached.

  quarterdeck edge config show > edge.cfg
  quarterdeck edge config check edge.cfg && quarterdeck edge config apply edge.cfg --reason "longer timeouts"
  quarterdeck edge ban tag product.7 --reason "a wrong price"`,

  async run(args) {
    const { values, positionals } = parseOptions(args, {
      ...CLIENT_OPTIONS,
      version: { type: "string" },
      base: { type: "string" },
    });
    const [topic, word = "", ...rest] = positionals;
    if (topic === "ban") {
      const request = banIn(word, rest, values);
      return withExitCodes(() => withClient(values, (client) => ban(client, request, values)));
    }
    const action = Object.hasOwn(TEMPLATE_ACTIONS, word) ? TEMPLATE_ACTIONS[word] : undefined;
    if (topic !== "config" || action === undefined) {
      throw new AppError("bad_request", "say config or ban: quarterdeck edge --help");
    }
    return withExitCodes(() =>
      withClient(values, (client) => action({ client, values, args: rest })),
    );
  },
};

function banIn(kind: string, rest: readonly string[], values: Options["values"]): BanRequest {
  const [first, second] = rest;
  const reason = reasonIn(values);
  const parsed = BanRequest.safeParse(
    {
      url: { kind, host: first, url: second, reason },
      tag: { kind, tag: first, reason },
      release: { kind, workload: first, release: second, reason },
    }[kind],
  );
  if (parsed.success && rest.length === (kind === "tag" ? 1 : 2)) return parsed.data;
  throw new AppError(
    "bad_request",
    "say url HOST URL, tag TAG or release SERVICE RELEASE: quarterdeck edge --help",
  );
}

async function ban(
  client: Client,
  request: BanRequest,
  values: Options["values"],
): Promise<number> {
  const answer = await client.ask("ban", { ...request, actor: client.actor });
  const text = `Removed from ${answer.nodes.join(", ")}.`;
  process.stdout.write(`${values["json"] === true ? JSON.stringify(answer) : text}\n`);
  return EXIT.ok;
}
