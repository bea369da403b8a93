// HEALTHCHECK of the images: exit code 0 when the service's admin port says that it is ready. Plain JavaScript, since it starts every few seconds.
import { get } from "node:http";

const port = Number(process.argv[2]);

get({ host: "127.0.0.1", port, path: "/readyz", timeout: 4_000 }, async (response) => {
  // Shown by `docker inspect`: what is missing.
  for await (const chunk of response) process.stdout.write(chunk);
  process.exit(response.statusCode === 200 ? 0 : 1);
})
  .on("timeout", () => process.exit(1))
  .on("error", (error) => {
    process.stdout.write(`${error.message}\n`);
    process.exit(1);
  });
