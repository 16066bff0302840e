import { configureGlobal } from "fast-check";

const seed = process.env["PROPERTY_SEED"];
if (seed !== undefined) configureGlobal({ seed: Number(seed) });
