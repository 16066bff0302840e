/** The part of the library that tests use; it has no types of its own. */
declare module "gelf-pro" {
  const gelf: {
    setConfig(config: { adapterName: "udp"; adapterOptions: { host: string; port: number } }): void;
    info(message: string, extra: Record<string, unknown>, done: () => void): void;
  };
  export default gelf;
}
