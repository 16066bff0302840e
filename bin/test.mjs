import "./check-node.mjs";

const { runTests } = await import("./run-tests.mjs");
await runTests(process.argv.slice(2));
