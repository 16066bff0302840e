import type { EdgeConfig } from "#deployer/drivers.ts";

import { parseTemplate, type Rendered, type Template } from "../template.ts";
import { boundPorts } from "./bound-ports.ts";
import { checkHaproxyConfig } from "./check-config.ts";
import { ClientPorts } from "./client-ports.ts";
import { NodeFiles } from "./node-files.ts";
import {
  type EdgeWorkload,
  emptyConfig,
  NODE_PLACEHOLDERS,
  type NodeSettings,
  type NodeSurroundings,
  renderNode,
} from "./render-node.ts";

/** What a configuration is rendered from, beside the slots. */
export type Content = {
  settings: NodeSettings;
  workloads: readonly EdgeWorkload[];
  template: Template;
};

type RenderedFilesOptions = Omit<NodeSurroundings, "workloads"> & {
  folder: string;
  /** The path of HAProxy. */
  program: string;
  content: Content;
};

/** The files of a node, and what they are rendered from. */
export class RenderedFiles {
  content: Content;
  readonly clientPorts: ClientPorts;
  readonly #files: NodeFiles;
  readonly #options: RenderedFilesOptions;

  constructor(options: RenderedFilesOptions) {
    this.#options = options;
    this.content = options.content;
    this.#files = new NodeFiles(options.folder);
    this.clientPorts = new ClientPorts(options.folder);
  }

  get configFile(): string {
    return this.#files.configFile;
  }

  /** The settings with which HAProxy can start, whatever ports other programs have. */
  get usableSettings(): NodeSettings {
    return this.clientPorts.usable(this.content.settings);
  }

  /** TCP ports that its configuration has, or would have with another template. @throws AppError unprocessable */
  ports(template?: string): Set<number> {
    const text =
      template === undefined
        ? (this.#files.read()?.text ?? "")
        : this.render(this.configs(), parseTemplate(template, NODE_PLACEHOLDERS)).text;
    return new Set(boundPorts(text).map(({ port }) => port));
  }

  /** What each workload was configured with last. */
  configs(): Map<string, EdgeConfig> {
    const stored = this.#files.read()?.configs;
    return new Map(
      this.content.workloads.map((it) => [it.name, stored?.get(it.name) ?? emptyConfig(it)]),
    );
  }

  render(configs: ReadonlyMap<string, EdgeConfig>, template = this.content.template): Rendered {
    const { workloads } = this.content;
    return renderNode(template, this.usableSettings, { ...this.#options, workloads, configs });
  }

  /** @returns whether the configuration has changed. @throws AppError unprocessable */
  async renderAll(): Promise<boolean> {
    const configs = this.configs();
    return this.write(this.render(configs), configs);
  }

  /** Without a check by HAProxy if it `isValid`. @returns whether the configuration has changed */
  async write(
    { text, origins }: Rendered,
    configs: ReadonlyMap<string, EdgeConfig>,
    { isValid } = { isValid: false },
  ): Promise<boolean> {
    const isChanged = this.#files.read()?.text !== text;
    await this.#files.write({ text, configs }, async (file) => {
      if (isChanged && !isValid) {
        await checkHaproxyConfig(this.#options.program, file, origins);
      }
    });
    return isChanged;
  }

  /** Lets HAProxy check what nothing else gets. @throws AppError unprocessable */
  try({ text, origins }: Rendered, configs: ReadonlyMap<string, EdgeConfig>): Promise<void> {
    return this.#files.try({ text, configs }, (file) =>
      checkHaproxyConfig(this.#options.program, file, origins),
    );
  }
}
