import { mkdirSync } from "node:fs";

import { type Colour, type EdgeConfig, type NodeView } from "#deployer/drivers.ts";
import { AppError } from "#platform/errors.ts";

import { checkInside, type ClosedPort } from "../closed-port.ts";
import type { Mistake, NodeHealth, TemplateNode } from "../configuration/port.ts";
import { LocalProcess } from "../processes/local-process.ts";
import { parseTemplate } from "../template.ts";
import { countErrors, type ErrorCount } from "../traffic/count-errors.ts";
import { checkAddresses, checkNewer, hasMoreSlots } from "./acceptance.ts";
import { mistakesOf, type PortOwner } from "./check-template.ts";
import { socketIn } from "./node-files.ts";
import { laneHealth } from "./node-health.ts";
import { reload, untilAnswers } from "./reload.ts";
import {
  checkConfig,
  type EdgeWorkload,
  NODE_PLACEHOLDERS,
  type NodeSettings,
  type NodeSurroundings,
} from "./render-node.ts";
import { type Content, RenderedFiles } from "./rendered-files.ts";
import { RunningNode } from "./running-node.ts";
import { RuntimeApi } from "./runtime-api.ts";
import { Closings } from "./spread-closes.ts";

export type HaproxyNodeOptions = Omit<NodeSurroundings, "adminSocket"> & {
  settings: NodeSettings;
  /** The path of HAProxy. */
  program: string;
  folder: string;
  template: string;
};

/** One HAProxy of this machine: its files, its process, and what it runs with. */
export class HaproxyNode implements TemplateNode {
  readonly process: LocalProcess;
  readonly #options: HaproxyNodeOptions;
  readonly #adminSocket: string;
  readonly #files: RenderedFiles;
  readonly #running: RunningNode;
  readonly #closing = new Closings();
  #turn: Promise<unknown> = Promise.resolve();

  /** @throws AppError unprocessable if the template is wrong or the path of the folder is too long for sockets */
  constructor(options: HaproxyNodeOptions) {
    const { settings, workloads, folder, program } = options;
    const template = parseTemplate(options.template, NODE_PLACEHOLDERS);
    this.#options = options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#adminSocket = socketIn(folder, "admin.sock");
    const masterSocket = socketIn(folder, "master.sock");
    const content = { settings, workloads, template };
    this.#files = new RenderedFiles({ ...options, adminSocket: this.#adminSocket, content });
    this.#running = new RunningNode(this.id, new RuntimeApi(this.id, masterSocket));
    this.process = new LocalProcess({
      folder,
      name: "haproxy",
      // In the foreground whatever its template says, so that its process is the one that was started.
      command: [
        program,
        "-W",
        "-db",
        "-S",
        `${masterSocket},mode,600`,
        "-f",
        this.#files.configFile,
      ],
    });
  }

  get id(): string {
    return this.#options.settings.id;
  }

  get settings(): NodeSettings {
    return this.#files.content.settings;
  }

  /** Ports of workloads that another program has. They are opened by `openPorts` once they are free. */
  get closedPorts(): readonly ClosedPort[] {
    return this.#files.clientPorts.closed;
  }

  /**
   * Starts it, or continues with the process that runs, with the files as they are. Resolves when it serves.
   * @throws AppError unavailable with what HAProxy wrote, or with the port that it lacks
   */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      const wasRunning = this.process.pid !== undefined;
      if (!wasRunning) await checkInside(this.settings.internal, this.id);
      await this.#lookAtPorts();
      const isChanged = await this.#files.renderAll();
      await this.process.start();
      await untilAnswers(this.process, () => this.#running.processes());
      if (wasRunning && isChanged) await reload(this.process, this.#running);
    });
  }

  /** Open requests are cut. */
  async stop(): Promise<void> {
    this.#closing.end();
    await this.#inTurn(() => this.process.stop());
  }

  /** Starts new workers with the files; those before end when their requests have. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#files.renderAll();
      await reload(this.process, this.#running);
    });
  }

  /**
   * Changes the template. With one that is wrong, or with which the node cannot start, it goes on as before.
   * @throws AppError unprocessable with the lines that are wrong; unavailable
   */
  useTemplate(text: string): Promise<void> {
    return this.#inTurn(async () =>
      this.#use({ template: parseTemplate(text, NODE_PLACEHOLDERS) }),
    );
  }

  /**
   * Changes the workloads, and where clients reach them. Open requests of those that are gone end as after any reload.
   * @throws AppError unprocessable or unavailable; then it goes on as before
   */
  serve(workloads: readonly EdgeWorkload[], listen: NodeSettings["listen"]): Promise<void> {
    return this.#inTurn(() => this.#use({ workloads, settings: { ...this.settings, listen } }));
  }

  /** Opens ports that were in use and are free now. @throws AppError unavailable; then it goes on as before */
  openPorts(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.process.pid === undefined || !(await this.#files.clientPorts.canOpen(this.settings)))
        return;
      await this.#use({});
    });
  }

  #lookAtPorts(): Promise<void> {
    const own = this.process.pid === undefined ? undefined : this.ports();
    return this.#files.clientPorts.look(this.settings, own);
  }

  async #use(changes: Partial<Content>): Promise<void> {
    const { content: before, clientPorts } = this.#files;
    const { closed } = clientPorts;
    this.#files.content = { ...before, ...changes };
    let isWritten = false;
    try {
      await this.#lookAtPorts();
      isWritten = await this.#files.renderAll();
      if (isWritten && this.process.pid !== undefined) await reload(this.process, this.#running);
    } catch (error) {
      this.#files.content = before;
      clientPorts.closed = closed;
      if (isWritten) {
        await this.#files.renderAll();
        // One that is not there any more starts with the files.
        await reload(this.process, this.#running).catch(() => undefined);
      }
      throw error;
    }
  }

  /** TCP ports that its configuration has, or would have with another template. @throws AppError unprocessable */
  ports(template?: string): Set<number> {
    return this.#files.ports(template);
  }

  /**
   * What is wrong with a template for this node. Nothing gets it.
   * @param others who else has or would have ports of this machine
   * @throws AppError unprocessable if it is no template; unavailable if the node cannot be reached
   */
  checkTemplate(template: string, others: readonly PortOwner[]): Promise<Mistake[]> {
    return this.#inTurn(async () => {
      await this.#running.processes();
      const configs = this.#files.configs();
      const rendered = this.#files.render(configs, parseTemplate(template, NODE_PLACEHOLDERS));
      return mistakesOf({
        rendered,
        required: {
          node: this.#files.usableSettings,
          workloads: this.#files.content.workloads,
          adminSocket: this.#adminSocket,
          slotsOf: (workload) => configs.get(workload)?.slots.blue.length ?? 0,
        },
        runCheck: () => this.#files.try(rendered, configs),
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
      laneHealth({
        settings: this.#files.usableSettings,
        workloads: this.#files.content.workloads,
        view: (workload) => this.read(workload),
      }),
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
    return this.#again(() => this.#running.view(workload));
  }

  /** A worker may end while it is read, as after a reload. */
  async #again<Value>(read: () => Promise<Value>): Promise<Value> {
    try {
      return await read();
    } catch {
      return read();
    }
  }

  /** @throws AppError conflict for older versions, unprocessable, or unavailable, when it may have taken effect */
  apply(workload: string, config: EdgeConfig): Promise<void> {
    this.#check(workload);
    checkConfig(config);
    return this.#inTurn(() => this.#apply(workload, config));
  }

  async #apply(workload: string, config: EdgeConfig): Promise<void> {
    const configs = this.#files.configs();
    checkNewer(this.id, config, configs.get(workload)?.version ?? 0);
    const before = await this.#again(() => this.#running.current(workload)).catch(() => undefined);
    if (before !== undefined) {
      checkNewer(this.id, config, before.version);
      if (config.version === before.version) return;
      checkAddresses(this.id, config, before);
    }
    const next = new Map([...configs, [workload, config]]);
    const isLarger = hasMoreSlots(config, before);
    // Other routes and slots are values that were checked here, and HAProxy takes its time: a way back must not wait for it.
    await this.#files.write(this.#files.render(next), next, { isValid: !isLarger });
    if (before === undefined) {
      throw new AppError("unavailable", `${this.id} cannot be reached; its files were changed.`);
    }
    if (isLarger) await reload(this.process, this.#running);
    const current = isLarger ? await this.#running.current(workload) : before;
    await this.#running.change(workload, config, current);
  }

  /** Resolves when it has begun. A later call replaces the earlier one. */
  async closeSessions(workload: string, colour: Colour, overMs: number): Promise<void> {
    this.#check(workload);
    await this.#running.drainedSessions(workload, colour);
    this.#closing.begin(`${workload} ${colour}`, {
      overMs,
      open: () => this.#running.drainedSessions(workload, colour),
      close: (session) => this.#running.closeSession(session),
    });
  }

  #check(workload: string): void {
    if (this.#files.content.workloads.some(({ name }) => name === workload)) return;
    throw new AppError("not_found", `${this.id} has no workload ${workload}.`);
  }

  /** One change at a time. */
  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
