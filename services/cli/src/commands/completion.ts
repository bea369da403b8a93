import { type Command, defineCommand } from "../arguments/command.ts";
import type { Grammar } from "../arguments/command-line.ts";
import { type Flags, flagName, requiredArgument } from "../arguments/flag.ts";

const SHELLS = ["bash", "zsh"] as const;
type ShellName = (typeof SHELLS)[number];

const ZSH_HEAD = ["#compdef shadowfleet", "autoload -U +X bashcompinit && bashcompinit"];

/** Finds noun and verb among the words before the cursor, then what may follow them. */
const FUNCTION = String.raw`_shadowfleet() {
  local current="\${COMP_WORDS[COMP_CWORD]}" noun="" verb="" words="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${COMP_WORDS[index]}" in
      -*) ;;
      *) if [[ -z "$noun" ]]; then noun="\${COMP_WORDS[index]}"; elif [[ -z "$verb" ]]; then verb="\${COMP_WORDS[index]}"; fi ;;
    esac
  done
  _shadowfleet_words "$noun\${verb:+ $verb}" || _shadowfleet_words "$noun"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}`.replaceAll("\\$", "$");

/** The command that prints a script for the user's shell. The grammar has this command in it, hence comes later. */
export function completion(grammar: () => Grammar): Command {
  return defineCommand({
    name: "completion",
    summary: "prints a script that completes commands and flags in bash or zsh",
    args: {
      shell: requiredArgument("SHELL", SHELLS.join(" or "), (text): ShellName => {
        const shell = SHELLS.find((name) => name === text);
        if (shell === undefined) throw new RangeError(`expected ${SHELLS.join(" or ")}`);
        return shell;
      }),
    },
    flags: {},
    isOffline: true,
    examples: ["source <(shadowfleet completion bash)", "shadowfleet completion zsh > ~/.zfunc/_shadowfleet"],
    run: async ({ args }, { output }) => output.lines(completionScript(args.shell, grammar())),
  });
}

function completionScript(shell: ShellName, grammar: Grammar): string[] {
  return [
    ...(shell === "zsh" ? ZSH_HEAD : []),
    FUNCTION,
    "_shadowfleet_words() {",
    '  case "$1" in',
    ...[...wordsAfter(grammar)].map(([typed, words]) => `    "${typed}") words="${words.join(" ")}" ;;`),
    "    *) return 1 ;;",
    "  esac",
    "}",
    "complete -o default -F _shadowfleet shadowfleet",
  ];
}

/** What may follow the words typed so far. A noun that is a command as well has its verbs and its own flags. */
function wordsAfter({ commands, services, sharedFlags }: Grammar): Map<string, readonly string[]> {
  const words = new Map<string, Set<string>>();
  const add = (typed: string, ...more: readonly string[]): void => {
    words.set(typed, new Set([...(words.get(typed) ?? []), ...more]));
  };
  for (const { name, flags, isOffline } of commands) {
    const [noun = "", verb] = name.split(" ");
    add("", noun);
    if (verb !== undefined) add(noun, verb);
    add(name, ...flagWords(flags), ...(isOffline ? [] : flagWords(sharedFlags)), "--help");
  }
  add("", ...services.map(([name]) => name), "help");
  return new Map([...words].map(([typed, set]) => [typed, [...set]]));
}

function flagWords(flags: Flags): string[] {
  return Object.keys(flags).map((key) => `--${flagName(key)}`);
}
