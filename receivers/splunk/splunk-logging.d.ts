/** The parts in use of Splunk's library, which has no types. */
declare module "splunk-logging" {
  type Context = { message: unknown; severity?: string; metadata?: Record<string, unknown> };
  export class Logger {
    constructor(config: { token: string; url: string });
    error: (error: unknown) => void;
    send(context: Context, done: (error: unknown, response: unknown, body: unknown) => void): void;
  }
}
