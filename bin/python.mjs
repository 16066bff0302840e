import { installPackages, succeeds } from "./apt.mjs";

/** Installs Python with venv and pip for the tests with an AWS server if they are missing and installing is allowed. */
export async function ensurePython() {
  if (await succeeds(["python3", "-c", "import venv, ensurepip"])) return;
  const packages = ["python3", "python3-venv"];
  await installPackages("Installing Python for the tests with an AWS server", packages);
}
