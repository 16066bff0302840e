import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { AppError, errorCode } from "#platform/errors.ts";

const RETRY_MS = 20;
const REPLY_MS_MAX = 2_000;
const REPLY_BYTES_MAX = 16 * 1024 * 1024;

/** A worker of a HAProxy master: by its pid, because the master may have replaced it meanwhile. */
export type Worker = { pid: number };

/**
 * The runtime API of HAProxy through the socket of the master (`-S`), one or several commands per connection. Unlike the socket of
 * the workers it also reaches those that an earlier configuration left behind, which may have sessions for hours.
 */
export class RuntimeApi {
  readonly #node: string;
  readonly #socket: string;

  constructor(node: string, socket: string) {
    this.#node = node;
    this.#socket = socket;
  }

  /** What the master itself replies. @throws AppError unavailable, naming the command */
  master(command: string): Promise<string> {
    return this.#send(command);
  }

  /** The whole reply, without blank lines at its end. @throws AppError unavailable, naming the command */
  async read(worker: Worker, command: string): Promise<string> {
    const [reply = ""] = await this.readAll(worker, [command]);
    return reply;
  }

  /**
   * The replies of commands that are executed in their order, through one connection. None of the replies may have blank lines.
   * @throws AppError unavailable, naming a command
   */
  async readAll(worker: Worker, commands: readonly string[]): Promise<string[]> {
    const all = await this.#send(forWorker(worker, commands));
    return this.#repliesIn(commands.length === 1 ? [all] : all.split(/\n\n+/), commands);
  }

  #repliesIn(replies: string[], commands: readonly string[]): string[] {
    for (const [at, command] of commands.entries()) {
      const reply = replies[at];
      if (reply === undefined) throw this.#refused(command, "there is no reply");
      if (/^(?:Unknown command|Can't find)/.test(reply)) throw this.#refused(command, reply);
    }
    return replies;
  }

  /**
   * Success is an empty reply, or one that `expected` matches; there are no codes.
   * @throws AppError unavailable with the command and the reply
   */
  async write(worker: Worker, command: string, expected?: RegExp): Promise<void> {
    const reply = await this.#send(forWorker(worker, command.split("; ")));
    if (reply !== "" && expected?.test(reply) !== true) throw this.#refused(command, reply);
  }

  /**
   * Executes a command whose success is an empty reply, and then `reads`, as `readAll` does, through the same connection.
   * @throws AppError unavailable, naming a command
   */
  async writeAndRead(worker: Worker, command: string, reads: readonly string[]): Promise<string[]> {
    const all = await this.#send(forWorker(worker, [command, ...reads]));
    if (!all.startsWith("\n")) throw this.#refused(command, all);
    return this.#repliesIn(all.slice(1).split(/\n\n+/), reads);
  }

  #refused(command: string, reply: string): AppError {
    const message = `${this.#node} refused "${command}": ${reply.split("\n", 1)[0]}`;
    return new AppError("unavailable", message);
  }

  /** Nothing was sent while too many connections wait at the socket. */
  async #send(command: string): Promise<string> {
    const endMs = performance.now() + REPLY_MS_MAX;
    for (;;) {
      try {
        return await this.#sendOnce(command);
      } catch (error) {
        const cause = error instanceof Error ? error.cause : undefined;
        if (errorCode(cause) !== "EAGAIN" || performance.now() > endMs) throw error;
      }
      await delay(RETRY_MS);
    }
  }

  #sendOnce(command: string): Promise<string> {
    if (/[\r\n]/.test(command)) throw new Error(`a command of several lines: ${command}`);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const fail = (why: string, cause?: unknown): void => {
      const message = `${this.#node} did not answer "${command}": ${why}`;
      reject(new AppError("unavailable", message, { cause }));
      connection.destroy();
    };
    const chunks: Buffer[] = [];
    let bytes = 0;
    const connection = connect(this.#socket);
    connection.setTimeout(REPLY_MS_MAX, () => fail(`nothing came for ${REPLY_MS_MAX} ms`));
    connection.on("error", (error) => fail(error.message, error));
    connection.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > REPLY_BYTES_MAX) fail(`it has more than ${REPLY_BYTES_MAX} bytes`);
    });
    connection.on("end", () => {
      // A master that is being replaced closes without any reply, also not an empty line.
      if (bytes === 0) fail("the connection was closed");
      else resolve(Buffer.concat(chunks).toString().trimEnd());
    });
    connection.end(`${command}\n`);
    return promise;
  }
}

/** Commands as the master passes them on. */
const forWorker = ({ pid }: Worker, commands: readonly string[]): string =>
  commands.map((it) => `@!${pid} ${it}`).join("; ");
