/** A command of the command line, `quarterdeck <name> …`; cli.ts lists all. */
export type Command = {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** Usage, options, and examples that work. */
  help: string;
  /**
   * Runs the command and returns the exit status: 0 success, 1 failure, 2 wrong arguments. Mistakes of the user are
   * thrown as an AppError; any other exception is a bug.
   */
  run(args: string[]): Promise<number>;
};
