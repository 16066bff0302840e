import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);
const VERSION = "1.47.0";
const CACHE = path.resolve("node_modules/.cache/quarterdeck-mongo", VERSION);
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>t</groupId><artifactId>t</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency><groupId>de.bwaldvogel</groupId><artifactId>mongo-java-server</artifactId>
<version>${VERSION}</version></dependency></dependencies></project>`;
const MAIN = `import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
public class Main {
  public static void main(String[] arguments) throws Exception {
    MongoServer server = new MongoServer(new MemoryBackend());
    System.out.println("port " + server.bind().getPort());
    // Its standard input closes at the end of the test run, even if that was killed.
    while (System.in.read() != -1) {}
    server.shutdownNow();
  }
}`;

/** An in-memory server for the MongoDB wire protocol: CRUD, but no replica set, sessions or change streams. */
export type MongoServer = AsyncDisposable & { url: string };

/**
 * Starts mongo-java-server on a free port. Undefined, with a warning, where Java or Maven is missing.
 * @throws in CI, where these tests must not be skipped
 */
export async function startMongo(): Promise<MongoServer | undefined> {
  try {
    return await start(await install());
  } catch (error) {
    if (process.env["CI"] === "true") {
      throw new Error("the MongoDB server must start in CI: install a JDK and Maven", {
        cause: error,
      });
    }
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\nSKIPPED: the tests of the MongoDB store need java and mvn: ${why}\n`);
    return undefined;
  }
}

/** Downloads and compiles once for each version; the rename makes sure that no incomplete copy is used. */
async function install(): Promise<string> {
  if ((await readdir(CACHE).catch(() => [])).length > 0) return CACHE;
  const incomplete = `${CACHE}.${process.pid}`;
  await mkdir(incomplete, { recursive: true });
  await writeFile(path.join(incomplete, "pom.xml"), POM);
  await writeFile(path.join(incomplete, "Main.java"), MAIN);
  const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
  const from = ["-q", "-B", "-f", path.join(incomplete, "pom.xml")];
  await run("mvn", [...from, goal, `-DoutputDirectory=${path.join(incomplete, "lib")}`]);
  await run("javac", [
    "-cp",
    path.join(incomplete, "lib", "*"),
    "-d",
    incomplete,
    path.join(incomplete, "Main.java"),
  ]);
  await rename(incomplete, CACHE).catch(async (error: unknown) => {
    // Another test file may have installed it meanwhile.
    await rm(incomplete, { recursive: true, force: true });
    if ((await readdir(CACHE).catch(() => [])).length === 0) throw error;
  });
  return CACHE;
}

async function start(folder: string): Promise<MongoServer> {
  const classPath = [folder, path.join(folder, "lib", "*")].join(path.delimiter);
  const server = spawn("java", ["-Xmx256m", "-cp", classPath, "Main"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const port = await portOf(server);
  return {
    url: `mongodb://127.0.0.1:${port}/quarterdeck`,
    async [Symbol.asyncDispose]() {
      const exited = once(server, "exit");
      server.stdin.end();
      server.kill("SIGKILL");
      await exited;
    },
  };
}

async function portOf(server: ChildProcess): Promise<number> {
  const failed = once(server, "error").then(([error]: unknown[]) => {
    throw error;
  });
  const ended = once(server, "exit").then(([code]: unknown[]) => {
    throw new Error(`java ended with ${String(code)}`);
  });
  return Promise.race([firstPort(server), failed, ended]);
}

async function firstPort(server: ChildProcess): Promise<number> {
  if (server.stdout === null) throw new Error("java has no output");
  for await (const line of createInterface(server.stdout)) {
    const port = /^port (\d+)$/.exec(line)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error("java printed no port");
}
