/** One verb of the command line: `quarterdeck <name> …`. Listed in cli.ts. */
export type Command = {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** The whole help: usage, options, examples that were run. */
  help: string;
  /**
   * Does it and returns the exit status: 0 done, 1 failed, 2 the arguments are wrong. What is wrong with what the
   * user gave is thrown as an AppError; anything else that is thrown is a bug.
   */
  run(args: string[]): Promise<number>;
};
