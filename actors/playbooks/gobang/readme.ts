/** The sections of the game's README, each with its author among the agents. */

/** The Boss's. */
export const INTRODUCTION = `# Gobang

Five in a row, against the computer: in the terminal and in a web page. Nothing has to be installed but Node.

_Scripted: a society of agents wrote all of this under the playbook "gobang"; no language model took part._
`;

export const RULES = `## The rules

Black and white take turns and put a stone on a free point, black first. Whoever has five or more in a row, across, down
or diagonally, wins. A full board without such a row is a draw.
`;

export const WHAT_IS_WHERE = `## What is where

| file         | what it is                                              |
| ------------ | ------------------------------------------------------- |
| \`rules.js\`   | the rules, for Node and the browser                     |
| \`ai.js\`      | the opponent                                            |
| \`gobang.mjs\` | the game in the terminal                                |
| \`index.html\` | the game in the browser, with \`page.js\` and \`style.css\` |
| \`tests/\`     | the tests: \`node tests/all.mjs\`                         |
`;

/** Terminal's. */
export const IN_THE_TERMINAL = `## In the terminal

    node gobang.mjs

You have black (X) and enter a point such as \`h8\`; \`undo\`, \`help\` and \`quit\` do what they say. With \`--first computer\` the
computer begins, with \`--two\` two people play, and \`--size 9\` makes the board smaller.
`;

/** Page's. */
export const IN_THE_BROWSER = `## In the browser

Open \`index.html\`: from the disk, or from any web server. Click on a point, or walk over the board with the arrow keys and
press Enter.
`;

/** The Boss's, at the end. @param tested what became of the tests */
export const howItWasMade = (tested: string): string => `
## How it was made

Eight agents made it: the Boss; Engine with Rules, Opponent and Checker; Interface with Terminal and Page. \`git log\` says who
wrote what. ${tested}
`;
