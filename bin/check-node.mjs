// Must parse on any Node with modules, so that an old one shows this message instead of a syntax error.
var NODE_MAJOR_MIN = 20;

if (Number(process.versions.node.split(".")[0]) < NODE_MAJOR_MIN) {
  process.stderr.write(
    "Quarterdeck needs Node " +
      NODE_MAJOR_MIN +
      " or newer to set itself up; this is Node " +
      process.versions.node +
      ".\nInstall a newer one from https://nodejs.org, then run the same command again.\n",
  );
  process.exit(1);
}
