import { chooseAeadBackend, useNativeSockets } from "@shadowfleet/aead-native";
import type { ReadMode } from "../src/shared-read.ts";

const { sockets } = chooseAeadBackend(process.env, process.env.SHADOWFLEET_TEST_ADDON);
// The best mode is the default of all these tests, too.
useNativeSockets(sockets);

/** The modes there are here: the native one where the accelerator is built. */
export const READ_MODES: readonly ReadMode[] = sockets ? ["native", "shared", "events"] : ["shared", "events"];
