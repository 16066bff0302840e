import path from "node:path";

import { expiryWarning } from "#deployer/edge/agent/certificate-files.ts";
import { listCertificates, makeCertificates } from "#deployer/edge/agent/make-certificates.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { parseSettings } from "#platform/settings/settings.ts";

import { openDataFolder } from "../data-folder.ts";
import { forgetNode } from "../deploys/known-nodes.ts";
import { authorityFolder } from "../deploys/remote-edge.ts";
import type { Command } from "./command.ts";
import { environmentWith, parseOptions } from "./options.ts";

export const edgeAgentCommand: Command = {
  name: "edge-agent",
  summary: "Make and list the certificates of edge nodes on other machines",
  help: `quarterdeck edge-agent certificates make [NODE…] [--data DIR]
quarterdeck edge-agent certificates list [--data DIR]
quarterdeck edge-agent forget NODE [--data DIR]

The control plane and the agents of edge nodes (quarterdeck role edge-agent) trust certificates of an authority of their own only, which
is in the data folder of the control plane. Run this there.

  make NODE…   makes a new certificate and key for each node, for a year; the name decides which node it is. Copy the folder that is
               printed to edge-agent in the data folder of that machine. A running agent uses it within seconds
  make         makes a new certificate for the control plane, for a year
  list         shows until when each is valid. The exit status is 1 if one ends within 30 days
  forget NODE  says that a node that is not in QUARTERDECK_EDGE_NODES any more has been stopped, so that deploys do not wait for it
  --data DIR   the data folder (default: QUARTERDECK_DATA, else ./data)

  quarterdeck edge-agent certificates make lb1 lb2
  scp -r data/edge-authority/nodes/lb1/. lb1.example.com:quarterdeck/data/edge-agent/`,

  async run(args) {
    const { values, positionals } = parseOptions(args);
    const [what, action, ...nodes] = positionals;
    const { data } = parseSettings({ data: dataFolderSettings }, environmentWith(values));
    if (what === "forget" && action !== undefined && nodes.length === 0) {
      forgetNode(data.dataFolder, action);
      process.stdout.write(`Deploys do not wait for ${action} any more.\n`);
      return 0;
    }
    if (what !== "certificates" || (action !== "make" && action !== "list")) {
      const message =
        "say certificates make, certificates list or forget NODE: quarterdeck edge-agent --help";
      throw new AppError("bad_request", message);
    }
    const folder = authorityFolder(openDataFolder(data).root);
    return action === "make" ? make(folder, nodes) : list(folder);
  },
};

async function make(folder: string, nodes: readonly string[]): Promise<number> {
  const folders = await makeCertificates(folder, nodes, systemClock.nowMs());
  const lines = folders.map(
    (own) => `${path.basename(own)}: copy ${own}/. to edge-agent in the data folder of its machine`,
  );
  const done = nodes.length === 0 ? ["The control plane has a new certificate."] : lines;
  process.stdout.write(`${done.join("\n")}\n`);
  return 0;
}

async function list(folder: string): Promise<number> {
  const nowMs = systemClock.nowMs();
  const all = listCertificates(folder);
  if (all.length === 0) {
    process.stdout.write(
      "There are no certificates: quarterdeck edge-agent certificates make NODE\n",
    );
    return 0;
  }
  const lines = all.map(({ name, certificate }) => {
    const warning = expiryWarning(certificate, nowMs);
    const until = new Date(certificate.validTo).toISOString().slice(0, 10);
    return `${name}: ${warning ?? `valid until ${until}`}`;
  });
  process.stdout.write(`${lines.join("\n")}\n`);
  return all.some(({ certificate }) => expiryWarning(certificate, nowMs) !== undefined) ? 1 : 0;
}
