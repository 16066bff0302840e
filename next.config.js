/** @type {import("next").NextConfig} */
export default {
  poweredByHeader: false,
  reactStrictMode: true,
  // Nothing here is an image; the optimiser would only be one more door.
  images: { unoptimized: true },
  // `npm test` checks the types of the whole house; a first start need not wait for it again.
  // Next rewrites the tsconfig that it is given: it has one of its own.
  typescript: { ignoreBuildErrors: true, tsconfigPath: "app/tsconfig.json" },
  // On the server these are taken from node_modules as they are: less to build, the same to run.
  serverExternalPackages: ["zod", "socket.io-client"],
  // Two cores and little memory are enough for a handful of pages; nobody reads source maps of a build made at home.
  experimental: { cpus: 2, turbopackSourceMaps: false, turbopackInputSourceMaps: false },
};
