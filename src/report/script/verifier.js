// The page that stands alone: evidence is dropped there and verified.

import { dropView } from "./drop.js";

const { view } = dropView();
document.getElementById("drop").append(view);
