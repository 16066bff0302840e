#!/usr/bin/env node
import "./check-node.mjs";

const { launch } = await import("./launch.mjs");
const args = process.argv.slice(2);
const asksForHelp = args.includes("--help") || args.includes("-h");
await launch(args, { dev: false, pages: args[0] === "start" && !asksForHelp });
