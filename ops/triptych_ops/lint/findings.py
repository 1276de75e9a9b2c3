"""What lint can say: one table of codes. A code keeps its meaning for ever, so that it can be waived by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code stands for, and what mends it unless the finding knows better."""

    name: str
    meaning: str
    cure: str
    severity: Severity = "error"


CODES: Mapping[str, Rule] = {
    # files: what lies in the repository
    "E101": Rule("link", "a symbolic link", "copy what it points to in its place"),
    "E102": Rule("hard-link", "a file that has a second name", "write a copy of its own"),
    "E103": Rule("special-file", "a pipe, socket or device", "remove it"),
    "E104": Rule("file-name", "a name with control characters, no UTF-8, or too long", "rename it"),
    "E105": Rule("hidden-file", "a hidden file or folder", "remove it"),
    "E106": Rule("name-case", "names that differ only by case", "rename one of them"),
    "E107": Rule("tree-size", "too deep, or too many files", "keep one model repository in the folder, and no more"),
    "E108": Rule("permissions", "executable, setuid, or writable for everybody", "chmod u-s,g-s,a-x,o-w"),
    "E109": Rule("shared-object", "machine code, which a server might load", "remove it"),
    "E110": Rule("pickle", "a pickle, which runs code when it is read", "export the model to ONNX"),
    "E111": Rule("archive", "an archive or compressed file", "unpack it, and keep what a model needs"),
    "E112": Rule("environment", "bytecode or a Python environment", "remove it; only sources belong here"),
    "E113": Rule("unexpected-file", "a file that no model of this kind reads", "remove it"),
    "E114": Rule("code-outside-version", "code beside the version folders", "move it into a version folder"),
    "E115": Rule("unreadable", "it cannot be read", "change its permissions, or copy the repository again"),
    "E116": Rule(
        "shell-name",
        "a name of more than letters, digits and . _ - + @ = ,; Triton starts Python backends through a shell",
        "rename it",
    ),
    "E120": Rule("no-config", "a model without config.pbtxt", "write one, or remove the folder"),
    "E121": Rule("no-version", "a model without a version folder", "put the model into a folder called 1"),
    "E122": Rule("no-model-file", "a version without the file that its backend reads", "put the file there"),
    "E123": Rule("no-model", "a repository without any model", "name the folder that holds the models' folders"),
    "W124": Rule(
        "empty-version",
        "an empty version folder, which object stores drop",
        "put a file into it",
        "warning",
    ),
    # configuration: each config.pbtxt and configs/*.pbtxt by itself
    "E201": Rule("syntax", "it is no model configuration", "mend the line"),
    "E202": Rule("unknown-key", "a key that Triton does not know", "remove the key"),
    "E203": Rule("config-file", "no plain text file of reasonable size", "write the configuration as UTF-8 text"),
    "E204": Rule("name", "the model's name is not its folder's", "call both alike, or leave the name out"),
    "E205": Rule("backend", "a backend that Triton does not have", "name one of Triton's backends"),
    "E206": Rule("no-backend", "neither backend nor platform", "write backend: and the name of the backend"),
    "E207": Rule("duplicate-tensor", "two tensors of one name", "rename or remove one of them"),
    "E208": Rule("dims", "dimensions that no tensor has", "write each as 1 or more, or -1 where it varies"),
    "E209": Rule("tensor", "a tensor without name or type", "give it both"),
    "E210": Rule("max-batch-size", "a batch size that makes no sense", "write 0 (no batching) or more"),
    "E211": Rule("instance-count", "fewer than one instance", "write a count of 1 or more, or leave the count out"),
    "W212": Rule(
        "batching-without-batch",
        "dynamic batching without batches, which Triton ignores",
        "set max_batch_size to 2 or more",
        "warning",
    ),
    "E213": Rule("preferred-batch-size", "a preferred batch that cannot be", "keep it within 1 to max_batch_size"),
    "E214": Rule("warm-up", "a warm-up that does not fit the model", "send what the model takes"),
    "E215": Rule("version-policy", "a policy that keeps no version, or one that is missing", "name versions on disk"),
    "E216": Rule("reshape", "a reshape to another number of elements", "keep the number of elements"),
    "E217": Rule("tensor-option", "an option that a tensor of this model cannot have", "remove the option"),
    "E218": Rule("priority", "priority levels that cannot be", "number the levels from 1"),
    "E219": Rule("sequence", "a sequence batcher's tensor that cannot be", "write what its control or state needs"),
    "E220": Rule("batch-tensor", "a tensor of a batch that cannot be made", "name its target, source and type"),
    "E221": Rule("response-cache", "a response cache that cannot be", "remove response_cache, or decoupled"),
    "E222": Rule(
        "instance-kind", "an instance group whose devices contradict its kind", "write the kind that is meant"
    ),
    "E223": Rule("parameter", "a parameter that the backend cannot read", "write a value that it can"),
    # what lets a configuration reach out of its repository
    "E250": Rule("path", "a path that is absolute, climbs or is no path", "name a file inside the model's folder"),
    "E251": Rule("library", "a library to load", "remove the setting"),
    "E252": Rule("runtime", "a runtime of its own, which is code to load", "remove the key"),
    "E253": Rule("execution-environment", "a Python environment to unpack and run", "remove the parameter"),
    "E254": Rule("backend-path", "a backend that is a path", "name the backend alone"),
    "E255": Rule("repository-agent", "a repository agent, which is code to load", "remove the key"),
    "E256": Rule("server-setting", "a parameter that is the server's own", "set it on the server, not in a model"),
    # ensembles: their steps as a graph of tensors
    "E301": Rule("no-member", "a step with a model that is not here", "add the model, or name another"),
    "E302": Rule(
        "member-version",
        "a step with a version that is not served",
        "write model_version: -1 for the newest, or a version that is served",
    ),
    "E303": Rule(
        "unmapped-input", "an input of a member that gets nothing", "map a tensor to it in the step's input_map"
    ),
    "E304": Rule(
        "unknown-tensor", "a map that names a tensor which the member does not have", "name a tensor that it has"
    ),
    "E305": Rule(
        "unproduced",
        "a tensor that nothing produces",
        "let a step's output_map or an input of the ensemble name it, or correct the name",
    ),
    "E306": Rule(
        "produced-twice",
        "a tensor that is produced twice",
        "give one of the two another name, or leave it out of output_map",
    ),
    "E307": Rule(
        "unused",
        "a tensor that nothing reads",
        "correct its name, leave it out of output_map, or remove the step if nothing needs any of its outputs",
    ),
    "E308": Rule(
        "no-output",
        "an output of the ensemble that nothing produces",
        "let a step's output_map name it, or remove the output",
    ),
    "E309": Rule("cycle", "steps that wait for each other", "break the circle"),
    "E310": Rule("unused-input", "an input of the ensemble that no step reads", "map it, or remove it"),
    "E311": Rule("edge-type", "a tensor written as one type and read as another", "make the types alike"),
    "E312": Rule("edge-shape", "a tensor written in one shape and read in another", "make the dimensions alike"),
    "E313": Rule(
        "edge-batch", "an ensemble that takes larger batches than its member", "lower the ensemble's max_batch_size"
    ),
    "W314": Rule(
        "edge-batching",
        "a batch for a member that takes none: batches of more than one fail",
        "let the member batch, or write the batch as its first dimension, -1",
        "warning",
    ),
    "E315": Rule(
        "steps",
        "an ensemble without proper steps",
        "write ensemble_scheduling with steps, each with model_name, input_map and output_map",
    ),
    "E316": Rule("ensemble-cycle", "an ensemble that contains itself", "break the circle"),
    "E317": Rule("ensemble-key", "a key that no ensemble may have", "remove the key"),
    # ONNX: each graph, and whether its configuration agrees
    "E401": Rule("onnx", "it cannot be read as ONNX", "export the model again"),
    "E402": Rule(
        "external-data", "weights outside the graph's file", "export the model again with its weights inside the file"
    ),
    "E403": Rule("operator-domain", "operators that need a library of their own", "export with ONNX's operators"),
    "E404": Rule("function-domain", "functions of an unknown domain", "inline the functions when exporting"),
    "E405": Rule("graph-tensor", "the graph has other tensors than the configuration", "name the graph's tensors"),
    "E406": Rule("graph-type", "the graph has another type than the configuration", "write the graph's type"),
    "E407": Rule("graph-shape", "the graph has another shape than the configuration", "write the graph's shape"),
    "E408": Rule(
        "graph-batch",
        "the graph takes no variable batch",
        "export it with one, or set max_batch_size to 0 and write the graph's batch into dims",
    ),
    "E409": Rule("opset", "newer than what can be read here, or too old", "export with an older opset"),
    "E410": Rule("graph-size", "it claims more data than its file holds", "export the model again"),
    "E411": Rule("graph-flow", "a tensor that nothing in the graph makes, or two nodes do", "export the model again"),
    # labels
    "E501": Rule("no-labels", "a label file that is missing", "put it into the model's folder"),
    "E502": Rule("label-count", "another number of labels than of classes", "write one label a line for each class"),
    "E503": Rule("label-text", "labels that are no text", "write one label a line, in UTF-8"),
}


_LONGEST = 400  # characters; names in a configuration can be as long as the file


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where, and what mends it."""

    code: str
    severity: Severity
    path: str  # below the repository, with slashes; "." for the repository itself
    line: int | None  # from 1; None where the whole file is meant
    message: str
    cure: str

    @classmethod
    def of(cls, code: str, path: str, message: str, *, line: int | None = None, cure: str | None = None) -> "Finding":
        """A finding with the severity, and unless given the cure, of its code."""
        rule = CODES[code]
        return cls(code, rule.severity, path, line, _short(message), _short(rule.cure if cure is None else cure))

    @property
    def place(self) -> str:
        """`path:line`, or the path alone."""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    def __str__(self) -> str:
        """All of it on one line, whatever characters its names hold."""
        line = f"{self.place}: {self.code} {self.message}; {self.cure}"
        return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)
