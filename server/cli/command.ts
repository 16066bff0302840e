/** A command `quarterdeck <name> …`; cli.ts lists all commands. */
export type Command = {
  name: string;
  /** One line in the list of commands. */
  summary: string;
  /** Usage, options and working examples. */
  help: string;
  /**
   * Runs the command and returns the exit status: 0 success, 1 failure, 2 wrong arguments. Mistakes of the user are
   * thrown as an AppError; any other exception is a bug.
   */
  run(args: string[]): Promise<number>;
};
