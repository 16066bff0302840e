import { mkdirSync } from "node:fs";

import { type Colour, COLOURS, type EdgeConfig, type NodeView } from "#deployer/drivers.ts";
import { AppError } from "#platform/errors.ts";

import type { Mistake, NodeHealth, TemplateNode } from "../configuration/port.ts";
import { LocalProcess } from "../processes/local-process.ts";
import { parseTemplate, type Rendered, type Template } from "../template.ts";
import { countErrors, type ErrorCount } from "../traffic/count-errors.ts";
import { checkAddresses, checkNewer } from "./acceptance.ts";
import { boundPorts } from "./bound-ports.ts";
import { checkHaproxyConfig } from "./check-config.ts";
import { mistakesOf, type PortOwner } from "./check-template.ts";
import { NodeFiles, socketIn } from "./node-files.ts";
import { laneHealth } from "./node-health.ts";
import { reload, untilAnswers } from "./reload.ts";
import {
  checkConfig,
  emptyConfig,
  NODE_PLACEHOLDERS,
  type NodeSettings,
  type NodeSurroundings,
  renderNode,
} from "./render-node.ts";
import { RunningNode } from "./running-node.ts";
import { RuntimeApi } from "./runtime-api.ts";
import { spreadCloses } from "./spread-closes.ts";

export type HaproxyNodeOptions = Omit<NodeSurroundings, "adminSocket"> & {
  settings: NodeSettings;
  /** The path of HAProxy. */
  program: string;
  folder: string;
  template: string;
};

/** One HAProxy of this machine: its files, its process, and what it runs with. */
export class HaproxyNode implements TemplateNode {
  readonly settings: NodeSettings;
  readonly process: LocalProcess;
  readonly #options: HaproxyNodeOptions;
  readonly #adminSocket: string;
  readonly #files: NodeFiles;
  readonly #running: RunningNode;
  readonly #closing = new Map<string, AbortController>();
  #template: Template;
  #turn: Promise<unknown> = Promise.resolve();

  /** @throws AppError unprocessable if the template is wrong or the path of the folder is too long for sockets */
  constructor(options: HaproxyNodeOptions) {
    const { settings, folder, program, template } = options;
    this.settings = settings;
    this.#options = options;
    this.#template = parseTemplate(template, NODE_PLACEHOLDERS);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#adminSocket = socketIn(folder, "admin.sock");
    const masterSocket = socketIn(folder, "master.sock");
    this.#files = new NodeFiles(folder);
    this.#running = new RunningNode(this.id, new RuntimeApi(this.id, masterSocket));
    this.process = new LocalProcess({
      folder,
      name: "haproxy",
      command: [program, "-W", "-S", `${masterSocket},mode,600`, "-f", this.#files.configFile],
    });
  }

  get id(): string {
    return this.settings.id;
  }

  /**
   * Starts it, or continues with the process that runs, with the files as they are. Resolves when it serves.
   * @throws AppError unavailable with what HAProxy wrote
   */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      const isChanged = await this.#renderFiles(this.#template);
      const wasRunning = this.process.pid !== undefined;
      await this.process.start();
      await untilAnswers(this.process, () => this.#running.processes());
      if (wasRunning && isChanged) await reload(this.process, this.#running);
    });
  }

  /** Open requests are cut. */
  async stop(): Promise<void> {
    for (const closing of this.#closing.values()) closing.abort();
    await this.#inTurn(() => this.process.stop());
  }

  /** Starts new workers with the files; those before end when their requests have. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#renderFiles(this.#template);
      await reload(this.process, this.#running);
    });
  }

  /**
   * Changes the template. With one that is wrong, or with which the node cannot start, it goes on as before.
   * @throws AppError unprocessable with the lines that are wrong; unavailable
   */
  useTemplate(text: string): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#template;
      const template = parseTemplate(text, NODE_PLACEHOLDERS);
      const isChanged = await this.#renderFiles(template);
      this.#template = template;
      if (!isChanged || this.process.pid === undefined) return;
      try {
        await reload(this.process, this.#running);
      } catch (error) {
        this.#template = before;
        await this.#renderFiles(before);
        // One that is not there any more starts with the files.
        await reload(this.process, this.#running).catch(() => undefined);
        throw error;
      }
    });
  }

  /** TCP ports that its configuration has, or would have with another template. @throws AppError unprocessable */
  ports(template?: string): Set<number> {
    const text =
      template === undefined
        ? (this.#files.read()?.text ?? "")
        : this.#render(parseTemplate(template, NODE_PLACEHOLDERS), this.#configs()).text;
    return new Set(boundPorts(text).map(({ port }) => port));
  }

  /**
   * What is wrong with a template for this node. Nothing gets it.
   * @param others who else has or would have ports of this machine
   * @throws AppError unprocessable if it is no template; unavailable if the node cannot be reached
   */
  checkTemplate(template: string, others: readonly PortOwner[]): Promise<Mistake[]> {
    return this.#inTurn(async () => {
      await this.#running.processes();
      const configs = this.#configs();
      const rendered = this.#render(parseTemplate(template, NODE_PLACEHOLDERS), configs);
      const { settings, workloads, program } = this.#options;
      return mistakesOf({
        rendered,
        required: {
          node: settings,
          workloads,
          adminSocket: this.#adminSocket,
          slotsOf: (workload) => configs.get(workload)?.slots.blue.length ?? 0,
        },
        runCheck: () =>
          this.#files.try({ text: rendered.text, configs }, (file) =>
            checkHaproxyConfig(program, file, rendered.origins),
          ),
        own: this.ports(),
        others,
      });
    });
  }

  /** @throws AppError unavailable if it cannot be reached */
  async health(): Promise<NodeHealth> {
    const { current } = await this.#running.processes();
    const [template, lanes] = await Promise.all([
      this.#running.template(current),
      laneHealth({ ...this.#options, view: (workload) => this.read(workload) }),
    ]);
    return { pid: this.process.pid ?? 0, template, workloads: lanes };
  }

  /** @see TemplateNode */
  countErrors(): Promise<() => Promise<ErrorCount>> {
    return countErrors(this.process.outputFile);
  }

  /** @throws AppError unavailable if it cannot be reached */
  async read(workload: string): Promise<NodeView> {
    this.#check(workload);
    const { current } = await this.#running.processes();
    try {
      return await this.#running.view(workload);
    } catch (error) {
      // Its worker was replaced meanwhile.
      if ((await this.#running.processes()).current.pid === current.pid) throw error;
      return this.#running.view(workload);
    }
  }

  /** @throws AppError conflict for older versions, unprocessable, or unavailable, when it may have taken effect */
  apply(workload: string, config: EdgeConfig): Promise<void> {
    this.#check(workload);
    checkConfig(config);
    return this.#inTurn(() => this.#apply(workload, config));
  }

  async #apply(workload: string, config: EdgeConfig): Promise<void> {
    const configs = this.#configs();
    checkNewer(this.id, config, configs.get(workload)?.version ?? 0);
    const before = await this.#known(workload);
    if (before !== undefined) {
      checkNewer(this.id, config, before.version);
      if (config.version === before.version) return;
      checkAddresses(this.id, config, before);
    }
    const next = new Map([...configs, [workload, config]]);
    const isLarger = COLOURS.some(
      (colour) => config.slots[colour].length > (before?.slots[colour].length ?? 0),
    );
    // Other routes and slots are values that were checked here, and HAProxy takes its time: a way back must not wait for it.
    await this.#write(this.#render(this.#template, next), next, { isValid: !isLarger });
    if (before === undefined) {
      throw new AppError("unavailable", `${this.id} cannot be reached; its files were changed.`);
    }
    if (isLarger) await reload(this.process, this.#running);
    await this.#running.change(workload, config, before);
  }

  /** What it runs with; undefined if it cannot be reached. */
  #known(workload: string): Promise<NodeView | undefined> {
    return this.#running.view(workload).catch(() => undefined);
  }

  /** Resolves when it has begun. A later call replaces the earlier one. */
  async closeSessions(workload: string, colour: Colour, overMs: number): Promise<void> {
    this.#check(workload);
    await this.#running.drainedSessions(workload, colour);
    const key = `${workload} ${colour}`;
    this.#closing.get(key)?.abort();
    const closing = new AbortController();
    this.#closing.set(key, closing);
    void spreadCloses({
      overMs,
      open: () => this.#running.drainedSessions(workload, colour),
      close: (session) => this.#running.closeSession(session),
      signal: closing.signal,
    }).then(() => {
      if (this.#closing.get(key) === closing) this.#closing.delete(key);
      return undefined;
    });
  }

  #check(workload: string): void {
    if (this.#options.workloads.some(({ name }) => name === workload)) return;
    throw new AppError("not_found", `${this.id} has no workload ${workload}.`);
  }

  #configs(): Map<string, EdgeConfig> {
    const stored = this.#files.read()?.configs;
    return new Map(
      this.#options.workloads.map((it) => [it.name, stored?.get(it.name) ?? emptyConfig(it)]),
    );
  }

  #render(template: Template, configs: ReadonlyMap<string, EdgeConfig>): Rendered {
    const { settings, ...surroundings } = this.#options;
    const state = { ...surroundings, adminSocket: this.#adminSocket, configs };
    return renderNode(template, settings, state);
  }

  /** @returns whether the configuration has changed */
  async #renderFiles(template: Template): Promise<boolean> {
    const configs = this.#configs();
    return this.#write(this.#render(template, configs), configs);
  }

  /** Without a check by HAProxy if it `isValid`. */
  async #write(
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

  /** One change at a time. */
  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
