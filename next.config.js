/** @type {import("next").NextConfig} */
export default {
  poweredByHeader: false,
  reactStrictMode: true,
  // The app has no images; the optimiser would only add an endpoint.
  images: { unoptimized: true },
  // `npm test` checks all types, so the first start skips it. Next rewrites its tsconfig, so it gets a separate file.
  typescript: { ignoreBuildErrors: true, tsconfigPath: "app/tsconfig.json" },
  // Not bundled on the server, which shortens the build.
  serverExternalPackages: ["zod", "socket.io-client"],
  // Limits CPU and memory; source maps of the production build are not used.
  experimental: { cpus: 2, turbopackSourceMaps: false, turbopackInputSourceMaps: false },
};
