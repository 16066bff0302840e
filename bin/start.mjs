import "./check-node.mjs";

const { launch } = await import("./launch.mjs");
await launch(["start", ...process.argv.slice(2)], { dev: false, pages: true });
