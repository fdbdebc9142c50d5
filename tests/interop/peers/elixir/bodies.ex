defmodule Tw.Bodies do
  @moduledoc "The payloads of hello, goaway and error: written and read (sections 7.2, 7.5 and 7.7)."
  import Bitwise

  @max_frame 4_194_304
  @longest 16_384
  @error_bytes 4_096

  def max_frame, do: @max_frame

  def hello do
    kinds = {:array, Enum.to_list(3..7)}
    map([{0, 2}, {1, {:array, []}}, {2, kinds}, {3, @max_frame}, {4, {:text, "elixir"}}])
  end

  def goaway(last, 0), do: map([{0, last}, {1, 0}])
  def goaway(last, {status, text}), do: map([{0, last}, {1, status}, {2, {:text, text}}])

  defp map(pairs), do: Tw.Cbor.write({:map, pairs})

  @doc "The peer's hello, or nil where it is unreadable."
  def read_hello(payload) do
    with %{0 => generation, 1 => {:array, keys}, 2 => {:array, kinds}, 3 => max} = map <-
           read(payload),
         true <- Enum.all?([generation, max | keys ++ kinds], &uint?/1),
         true <- max >= 65_536,
         {:text, agent} <- Map.get(map, 4, {:text, ""}),
         true <- byte_size(agent) <= 64 do
      %{max: max, even: keys, kinds: kinds}
    else
      _ -> nil
    end
  end

  @doc "The last id accepted that a goaway says, or `:unreadable`."
  def read_goaway(payload) do
    case read(payload) do
      %{0 => last, 1 => status}
      when is_integer(last) and last >= 0 and is_integer(status) and status >= 0 ->
        last

      _ ->
        :unreadable
    end
  end

  @doc "Whether a call that failed was executed: what its error says, as a word."
  def read_executed(payload) do
    case read(payload) do
      %{0 => {:text, _}, 2 => said} when said in 0..2 -> elem({"no", "maybe", "yes"}, said)
      _ -> "unknown"
    end
  end

  # A map of section 3.2 without what has keys that are no numbers; of duplicates the first counts.
  defp read(payload) do
    with true <- byte_size(payload) <= @longest,
         true <- Tw.Read.value?(payload),
         {:ok, {:map, pairs}} <- Tw.Cbor.read_one(payload) do
      pairs |> Enum.reverse() |> Map.new()
    else
      _ -> nil
    end
  end

  defp uint?(n), do: is_integer(n) and n >= 0 and n < 1 <<< 64

  @doc "The body of an error. Details are `{:some, term}` or nil; executed is 0 no, 1 maybe, 2 yes."
  def error(message, details, executed) do
    body(message, details, executed, false)
  catch
    # Details that are right by themselves may be a level too deep inside the error's map.
    {:refused, _} -> body(message, nil, executed, true)
  end

  defp body(message, details, executed, truncated) do
    one = with {:some, term} <- details, do: [{1, term}], else: (_ -> [])
    cut = if truncated, do: [{3, true}], else: []
    bytes = map([{0, {:text, message}} | one] ++ [{2, executed} | cut])

    cond do
      byte_size(bytes) <= @error_bytes -> bytes
      details != nil -> body(message, nil, executed, true)
      not truncated -> body(message, nil, executed, true)
      true -> body(shorter(message, byte_size(bytes) - @error_bytes), nil, executed, true)
    end
  end

  defp shorter(message, over), do: whole(binary_part(message, 0, byte_size(message) - over))

  # Without the beginning of a character whose end was cut off.
  defp whole(text),
    do: if(String.valid?(text), do: text, else: whole(binary_part(text, 0, byte_size(text) - 1)))
end
