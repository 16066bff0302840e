/**
 * V8 flags for a command line. Reading logs is work on one thread: compiling and collecting garbage on further threads costs more
 * CPU time than it saves there, and a larger young generation is collected less often. Marking in steps would begin anew whenever
 * the columns' buffers, which lie outside the heap, have grown by 64 MB.
 *
 * @param {readonly string[]} args
 */
export const v8FlagsOf = ([command, role]) =>
  command === "ingest" || (command === "role" && role === "index")
    ? [
        "--no-concurrent-recompilation",
        "--single-threaded-gc",
        "--min-semi-space-size=32",
        "--max-semi-space-size=32",
        "--no-incremental-marking",
      ]
    : [];
