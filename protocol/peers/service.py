"""What a peer serves: functions by the names of their methods."""

import inspect
import typing
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, ClassVar, Final, TypeVar, overload

import msgspec

from tracewire.codec.constants import MAX_TARGET_BYTES

from ..body.body import check_type, read_body, write_body
from ..constants import RESERVED_PREFIX, instance_of

_Function = TypeVar("_Function", bound=Callable[..., Any])

_POSITIONAL: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


class Handler(msgspec.Struct, frozen=True):
    """A function as it was given, and ``run``, which calls it: always with one value.

    ``is_async``: whether the function is an ``async def``.
    """

    function: Callable[..., Any]
    is_async: bool
    run: Callable[[Any], Coroutine[Any, Any, Any]]


class Method(Handler, frozen=True):
    """A function served as ``name``: ``run`` takes what ``read`` gives.

    ``type``: what the body is converted to. ``default``: the value of an empty body,
    inspect.Parameter.empty where the function gives none.
    """

    name: str
    type: Any
    default: Any

    def read(self, payload: bytes, content_format: int | None) -> Any:
        """The argument of ``run``. Raises RpcError INVALID_ARGUMENT, executed = no."""
        if not payload and self.default is not inspect.Parameter.empty:
            return self.default
        return read_body(payload, content_format, self.type)

    def write(self, result: object) -> tuple[bytes, int | None]:
        """Payload and content format of the function's result; TypeError if it has none."""
        return write_body(result)


class Service:
    """Functions served as ``name.function``, or as ``function`` where ``name`` is empty.

    Build it before it is served, in one thread; a served one may be shared by many servers and
    connections. It holds no state of a call: what handlers share is the application's.

    Args:
        name: what stands before the names of its functions, and a dot.

    Raises:
        ValueError: the name begins with ``tracewire.`` (N-3), or is too long (F-11).
    """

    _reserved: ClassVar = False

    def __init__(self, name: str = "") -> None:
        self.name = instance_of("the name of a service", name, str)
        self._methods: dict[str, Method] = {}
        self._message: Handler | None = None
        #: By name, as it stands; cannot be changed.
        self.methods: Final[Mapping[str, Method]] = MappingProxyType(self._methods)
        if name:
            self._check_name(f"{name}.x")

    @property
    def message(self) -> Handler | None:
        """What ``on_message`` was given, None where it was not called."""
        return self._message

    @overload
    def method(self, function: _Function, /, *, name: str | None = None) -> _Function: ...
    @overload
    def method(self, /, *, name: str | None = None) -> Callable[[_Function], _Function]: ...
    def method(
        self, function: Callable[..., Any] | None = None, /, *, name: str | None = None
    ) -> Callable[..., Any]:
        """Serves a function, ``async def`` or ``def``, that takes the body or nothing.

        The body is converted to the parameter's annotation: see ``read_body``. Without one it
        comes as decoded; a parameter annotated ``Body`` takes it raw. A default stands for an
        empty body. A plain ``def`` runs in the event loop: one that blocks stops all of it.

        Args:
            function: what is served; without it, what is returned takes it, as in
                ``@service.method(name="join")``.
            name: used in place of the function's.

        Returns:
            The function, as it was.

        Raises:
            TypeError: it is no function of one positional parameter or none, it yields, or a body
                cannot be converted to its annotation.
            ValueError: the name is taken, begins with ``tracewire.`` (N-3), or is not 1 to 255
                bytes of UTF-8 (F-11).
        """
        if function is None:
            return lambda function: self.method(function, name=name)
        last = function.__name__ if name is None and hasattr(function, "__name__") else name
        if last is None:
            raise TypeError(_not_a_function(function))
        instance_of("the name of a method", last, str)
        full = f"{self.name}.{last}" if self.name and last else last
        self._check_name(full)
        self._check_free(full)
        self._methods[full] = _method(full, function)
        return function

    def on_message(self, function: _Function, /) -> _Function:
        """Sets the function that is given each message without a method: an envelope or a bare one.

        Nobody answers such a message: what the function returns is dropped, what it raises logged.

        Args:
            function: takes the message as bytes.

        Returns:
            The function, as it was.

        Raises:
            TypeError: it is no function of one positional parameter.
            ValueError: one was given before.
        """
        if self._message is not None:
            raise ValueError("on_message was given a function already")
        if _parameter("on_message", function) is None:
            raise TypeError("a function for on_message takes one parameter, the message as bytes")
        is_async = _is_async(function)
        self._message = Handler(function, is_async, _runner(function, is_async))
        return function

    def include(self, other: "Service") -> None:
        """Serves also what ``other`` serves now, under the same names.

        Args:
            other: what is added to it later is not served here.

        Raises:
            ValueError: both serve one name, or both take messages; then nothing is included.
        """
        instance_of("what is included", other, Service)
        for name in other._methods:
            self._check_free(name)
        if other._message is not None and self._message is not None:
            raise ValueError("both services were given a function by on_message")
        self._methods.update(other._methods)
        self._message = self._message or other._message

    def _check_name(self, name: str) -> None:
        try:
            size = len(name.encode())
        except UnicodeEncodeError:  # lone surrogates
            size = 0
        if not 1 <= size <= MAX_TARGET_BYTES:  # F-11
            raise ValueError(f"the method {name!r} is not 1 to {MAX_TARGET_BYTES} bytes of UTF-8")
        if name.startswith(RESERVED_PREFIX) and not self._reserved:  # N-3
            raise ValueError(
                f"the method {name!r} begins with {RESERVED_PREFIX!r}, which is kept for Tracewire"
            )

    def _check_free(self, name: str) -> None:
        if name in self._methods:
            raise ValueError(f"the method {name!r} is served already")


class ReservedService(Service):
    """For the methods that the specification assigns. N-3"""

    _reserved = True


def _method(name: str, function: Callable[..., Any]) -> Method:
    parameter = _parameter(name, function)
    is_async = _is_async(function)
    if parameter is None:
        run = _runner(lambda _null: function(), is_async)
        return Method(function, is_async, run, name, None, inspect.Parameter.empty)
    type = _annotation(name, function, parameter)
    return Method(function, is_async, _runner(function, is_async), name, type, parameter.default)


def _runner(
    function: Callable[[Any], Any], is_async: bool
) -> Callable[[Any], Coroutine[Any, Any, Any]]:
    if is_async:
        return function

    async def run(value: Any) -> Any:
        return function(value)

    return run


def _is_async(function: Callable[..., Any]) -> bool:
    """Also where a plain wrapper hands on what an ``async def`` returns."""
    return any(map(inspect.iscoroutinefunction, (function, inspect.unwrap(function))))


def _parameter(name: str, function: object) -> inspect.Parameter | None:
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        raise TypeError(_not_a_function(function))
    plain = inspect.unwrap(function)
    if inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):
        raise TypeError(f"{name}: a method returns one value, it does not yield")
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) > 1 or any(each.kind not in _POSITIONAL for each in parameters):
        listed = ", ".join(map(str, parameters))
        raise TypeError(
            f"{name}: a method takes one positional parameter, the body, or none, not ({listed})"
        )
    return parameters[0] if parameters else None


def _not_a_function(value: object) -> str:
    return f"a method is a function made by def or async def, not {value!r}"


def _annotation(name: str, function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """The parameter's type, checked; other annotations of the function may stay unresolved."""
    if parameter.annotation is inspect.Parameter.empty:
        return object
    only = SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    module = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        type = typing.get_type_hints(only, module, include_extras=True)[parameter.name]
        check_type(type)
    except NameError as error:
        raise TypeError(
            f"{name}: the annotation {parameter.annotation!r} cannot be resolved: {error}; "
            "a class that it names must stand at the top of its module"
        ) from error
    except TypeError as error:
        raise TypeError(
            f"{name}: the body cannot be read as {parameter.annotation!r}: {error}"
        ) from error
    return type
