defmodule Tw.Testee do
  @moduledoc "The codec's testee: spec/testee.md on standard input and output."

  def main(_) do
    port = Tw.Lines.open()

    Tw.Lines.each(port, nil, fn line, _ ->
      Tw.Lines.say(port, line |> String.split(" ") |> answer())
      nil
    end)

    # What was said is written before the port is closed.
    Port.close(port)
    System.halt(0)
  end

  defp answer(["hello"]), do: ["testee", "1", "2", "elixir"]

  defp answer(["decode", hex]) do
    judged(hex, fn frame ->
      words = [frame.kind, frame.id] |> Enum.map(&Integer.to_string/1)
      ["valid" | words] ++ [target(frame.target), hex(frame.payload), hex(extensions(frame))]
    end)
  end

  defp answer(["encode", kind, id, target, payload, trace, state, extensions]),
    do: encoded([kind, id, target, payload, trace, state], [], extensions)

  defp answer(["plain", kind, id, target, payload, trace, state, creation, values, extensions]) do
    created = if creation == "-", do: [], else: [{13, to_trace(creation)}]
    encoded([kind, id, target, payload, trace, state], plain(bytes(values)) ++ created, extensions)
  end

  defp answer(["shed" | [verb | _] = request]) when verb in ["encode", "plain", "restamp"] do
    Tw.Write.take_shed()

    case answer(request) do
      ["frame", _] -> ["shed", counts(Tw.Write.take_shed())]
      other -> other
    end
  end

  defp answer(["meaning", hex]) do
    judged(hex, fn frame ->
      unusable = frame |> Tw.Meaning.unusable() |> Enum.join(",")
      trace = frame |> Tw.Meaning.trace() |> trace()

      [
        "meaning",
        trace,
        hex(Tw.Meaning.state(frame) || ""),
        if(unusable == "", do: "-", else: unusable)
      ]
    end)
  end

  defp answer(["restamp", hex, trace, state]) do
    judged(hex, &["frame", hex(Tw.Write.restamp(&1, to_trace(trace), bytes(state)))])
  end

  defp answer(["strip", hex]) do
    judged(hex, fn frame ->
      case Tw.Write.strip(frame) do
        {:ok, base} -> ["frame", hex(base)]
        {:invalid, rule, at} -> ["invalid", rule, "#{at}"]
      end
    end)
  end

  defp answer(["unwrap", mode, understood, message]) do
    understood = if understood == "-", do: "", else: understood
    keys = understood |> String.split(",", trim: true) |> Enum.map(&String.to_integer/1)

    case Tw.Meaning.unwrap(String.to_existing_atom(mode), keys, bytes(message)) do
      {:bare, message} -> ["bare", hex(message)]
      {:envelope, frame} -> ["envelope", hex(frame.payload), hex(extensions(frame))]
      {:invalid, rule, at} -> ["invalid", rule, "#{at}"]
    end
  end

  defp answer(["stream", max | pieces]) do
    stream = %Tw.Stream{max: String.to_integer(max)}
    {items, stop} = stream(stream, Enum.map(pieces, &bytes/1), [])
    ["items"] ++ items ++ [stop]
  end

  defp answer(_), do: ["unsupported"]

  defp encoded([kind, id, target, payload, trace, state], values, extensions) do
    [kind, id] = Enum.map([kind, id], &String.to_integer/1)
    values = values ++ given(bytes(extensions))
    target = to_target(target)

    case Tw.Write.encode(kind, id, target, bytes(payload), to_trace(trace), bytes(state), values) do
      {:ok, frame} -> ["frame", hex(frame)]
      {:refused, rule} -> ["refused", rule]
    end
  end

  defp counts(shed) when shed == %{}, do: "-"
  defp counts(shed), do: shed |> Enum.sort() |> Enum.map_join(",", fn {k, n} -> "#{k}:#{n}" end)

  # Values as an application gives them: numbers beyond 64 bits stand under tags 2 and 3.
  defp plain(""), do: []

  defp plain(bytes) do
    {:ok, {:map, pairs}} = Tw.Cbor.read_one(bytes)
    for {k, v} <- pairs, do: {whole(k), whole(v)}
  end

  defp whole({:tag, 2, {:bytes, b}}), do: :binary.decode_unsigned(b)
  defp whole({:tag, 3, {:bytes, b}}), do: -1 - :binary.decode_unsigned(b)
  defp whole({:array, items}), do: {:array, Enum.map(items, &whole/1)}
  defp whole({:map, pairs}), do: {:map, for({k, v} <- pairs, do: {whole(k), whole(v)})}
  defp whole(term), do: term

  defp judged(hex, fun) do
    case hex |> bytes() |> Tw.Read.frame() do
      {:ok, frame} -> fun.(frame)
      {:invalid, rule, at, _, _} -> ["invalid", rule, "#{at}"]
    end
  end

  defp stream(stream, [], items) do
    case Tw.Stream.inside(stream) do
      nil -> {Enum.reverse(items), "end"}
      at -> {Enum.reverse(items), "!S-3@#{at}"}
    end
  end

  defp stream(stream, [piece | pieces], items) do
    {records, stream} = Tw.Stream.feed(stream, piece, 0)
    items = Enum.reduce(records, items, &[item(&1) | &2])
    # Nothing is read after a record that is too long.
    stream(stream, if(List.last(records) == :too_long, do: [], else: pieces), items)
  end

  defp item(:too_long), do: "!S-2@0"

  defp item({record, _}) do
    case Tw.Read.frame(record) do
      {:ok, _} -> hex(record)
      {:invalid, rule, at, _, _} -> "!#{rule}@#{at}"
    end
  end

  # The extensions to encode are given as a map whose values are encoded bytes (E-10), right or wrong: a value
  # that is wrong, and the last one, is all that is left.
  defp given(""), do: []

  defp given(bytes) do
    <<5::3, _::bits>> = bytes
    {n, rest} = Tw.Cbor.count(bytes)
    given(n, rest)
  end

  defp given(0, _), do: []

  defp given(n, bytes) do
    {key, rest} = Tw.Cbor.item(bytes, 0)
    size = if n == 1, do: byte_size(rest), else: Tw.Read.value_size(rest) || byte_size(rest)
    <<value::binary-size(size), rest::binary>> = rest
    [{key, {:encoded, value}} | if(rest == "", do: [], else: given(n - 1, rest))]
  end

  defp extensions(%{extensions: []}), do: ""
  defp extensions(f), do: binary_part(f.bytes, f.base_end, byte_size(f.bytes) - f.base_end)

  def bytes("-"), do: ""
  def bytes(hex), do: Base.decode16!(hex, case: :lower)

  def hex(""), do: "-"
  def hex(bytes), do: Base.encode16(bytes, case: :lower)

  defp target({:text, text}), do: "t" <> Base.encode16(text, case: :lower)
  defp target(number), do: Integer.to_string(number)

  defp to_target("t" <> hex), do: {:text, Base.decode16!(hex, case: :lower)}
  defp to_target(number), do: String.to_integer(number)

  @doc "A trace as a word: undecided, not-sampled or a traceparent."
  def trace(:undecided), do: "undecided"
  def trace(:not_sampled), do: "not-sampled"

  def trace({trace, parent, flags}),
    do: Enum.map_join(["", trace, parent, <<flags>>], "-", &word/1)

  defp word(""), do: "00"
  defp word(bytes), do: hex(bytes)

  def to_trace("undecided"), do: :undecided
  def to_trace("not-sampled"), do: :not_sampled

  def to_trace(traceparent) do
    ["00", trace, parent, flags] = String.split(traceparent, "-")
    <<flags>> = bytes(flags)
    {bytes(trace), bytes(parent), flags}
  end
end
